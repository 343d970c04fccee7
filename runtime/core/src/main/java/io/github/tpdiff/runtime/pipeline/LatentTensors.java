package io.github.tpdiff.runtime.pipeline;

import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.engine.Tensor;

/** Latents as engines take them. */
final class LatentTensors {
  private LatentTensors() {}

  static Tensor toTensor(Latents latents) {
    return Tensor.ofFloats(latents.data(), extents(latents.shape()));
  }

  static long[] extents(LatentShape shape) {
    return new long[] {
      shape.batch(), shape.channels(), shape.frames(), shape.height(), shape.width()
    };
  }
}
