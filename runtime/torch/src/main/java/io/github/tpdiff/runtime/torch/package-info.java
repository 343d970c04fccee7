/**
 * Programs as TorchScript, run and trained by PyTorch through DJL. The only place that sees {@code
 * ai.djl} engines.
 */
@NullMarked
package io.github.tpdiff.runtime.torch;

import org.jspecify.annotations.NullMarked;
