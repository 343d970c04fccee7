package io.github.tpdiff.weights.lora;

import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.FloatCodec;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSink;
import io.github.tpdiff.weights.TensorSource;
import java.nio.FloatBuffer;

/** A weight with a LoRA merged into it, produced piece by piece. */
public final class LoraMerge {

  private LoraMerge() {}

  /**
   * The payload of {@code W + strength · scale · B · A} in the type of W, computed in fp32.
   *
   * @param tensor the weight's name in {@code base}
   * @throws CheckpointException when the shapes do not fit
   */
  public static TensorSink.Payload merged(
      TensorSource base, String tensor, LoraPair pair, double strength) {
    TensorInfo info = base.require(tensor);
    boolean fits =
        info.shape().size() >= 2
            && info.shape().get(0) == pair.out()
            && info.elementCount() == (long) pair.out() * pair.in();
    if (!fits) {
      throw new CheckpointException(
          "%s: tensor '%s': expected [%d, %d] to merge the LoRA into, found %s"
              .formatted(base.origin(), tensor, pair.out(), pair.in(), info.shape()));
    }
    int size = info.dtype().bytes();
    return (offset, chunk) -> {
      float[] values =
          FloatCodec.decode(info.dtype(), base.bytes(tensor, offset, chunk.remaining()));
      pair.addTo(values, offset / size, strength);
      FloatCodec.encode(FloatBuffer.wrap(values), info.dtype(), chunk);
    };
  }
}
