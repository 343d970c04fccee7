/**
 * Symbolic tensor programs: a model is written once as a {@link
 * io.github.tpdiff.runtime.graph.Program} of {@link io.github.tpdiff.runtime.graph.Graph} segments
 * and lowered to TorchScript, ONNX and cost elsewhere.
 */
@NullMarked
package io.github.tpdiff.runtime.graph;

import org.jspecify.annotations.NullMarked;
