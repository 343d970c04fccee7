package io.github.tpdiff.conformance.model;

import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.engine.Tensor;

/** Tensors as latents. */
final class LatentTensor {
  private LatentTensor() {}

  static Latents latents(Tensor tensor) {
    long[] shape = tensor.shape();
    return Latents.of(
        new LatentShape(
            Math.toIntExact(shape[0]),
            Math.toIntExact(shape[1]),
            Math.toIntExact(shape[2]),
            Math.toIntExact(shape[3]),
            Math.toIntExact(shape[4])),
        tensor.toFloatArray());
  }
}
