/**
 * Lowers programs to ONNX, runs them on ONNX Runtime, and writes and opens exported folders; the
 * only package that sees ONNX Runtime.
 */
@NullMarked
package io.github.tpdiff.runtime.onnx;

import org.jspecify.annotations.NullMarked;
