package io.github.tpdiff.conformance.model;

import io.github.tpdiff.conformance.golden.CaseException;
import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.graph.ElementType;
import java.util.Arrays;
import java.util.stream.IntStream;

/** Tensors as latents and numbers. */
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

  /** Channels from … to − 1 of a tensor [B, C, F, H, W]. */
  static Tensor channels(Tensor tensor, int from, int to) {
    long[] shape = tensor.shape();
    if (shape.length != 5 || to > shape[1]) {
      throw new CaseException(
          "io.safetensors: latents: expected [B, C, F, H, W] of at least %d channels, found %s"
              .formatted(to, tensor));
    }
    float[] all = tensor.toFloatArray();
    int clip = all.length / (int) shape[0];
    int channel = clip / (int) shape[1];
    int size = (to - from) * channel;
    var chosen = new float[(int) shape[0] * size];
    for (int b = 0; b < shape[0]; b++) {
      System.arraycopy(all, b * clip + from * channel, chosen, b * size, size);
    }
    shape[1] = (long) to - from;
    return Tensor.ofFloats(chosen, shape);
  }

  /** The values of a tensor of any type. */
  static double[] numbers(Tensor tensor) {
    int count = Math.toIntExact(tensor.elementCount());
    return tensor.type() == ElementType.F32
        ? IntStream.range(0, count).mapToDouble(i -> tensor.floats().get(i)).toArray()
        : Arrays.stream(longs(tensor, count)).asDoubleStream().toArray();
  }

  private static long[] longs(Tensor tensor, int count) {
    var values = new long[count];
    tensor.longs().get(values);
    return values;
  }
}
