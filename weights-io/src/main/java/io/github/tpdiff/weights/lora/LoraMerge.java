package io.github.tpdiff.weights.lora;

import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.FloatCodec;
import io.github.tpdiff.weights.RoundingError;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSink;
import io.github.tpdiff.weights.TensorSource;

/** A weight with a LoRA merged into it, produced piece by piece. */
public final class LoraMerge {

  private LoraMerge() {}

  /** A change of a weight: {@code strength · scale · B · A}. */
  public record Change(LoraPair pair, double strength) {}

  /**
   * The payload of {@code W + strength · scale · B · A} in the type of W, computed in fp32.
   *
   * @param tensor the weight's name in {@code base}
   * @throws CheckpointException when the shapes do not fit
   */
  public static TensorSink.Payload merged(
      TensorSource base, String tensor, LoraPair pair, double strength) {
    DType dtype = base.require(tensor).dtype();
    return merged(base, new Change(pair, strength), tensor, new Stored(dtype, new RoundingError()));
  }

  /** The floating type to store, and where to note what that costs. */
  public record Stored(DType dtype, RoundingError error) {}

  /**
   * The payload of {@code W + strength · scale · B · A}, computed in fp32 and stored in any
   * floating type.
   *
   * @param tensor the weight's name in {@code base}
   * @throws CheckpointException when the shapes do not fit or W is not floating; the payload throws
   *     it when a number is not finite in the stored type
   */
  public static TensorSink.Payload merged(
      TensorSource base, Change change, String tensor, Stored stored) {
    TensorInfo info = base.require(tensor);
    LoraPair pair = change.pair();
    boolean fits =
        info.shape().size() >= 2
            && info.shape().get(0) == pair.out()
            && info.elementCount() == (long) pair.out() * pair.in();
    if (!fits || !info.dtype().isFloating()) {
      throw new CheckpointException(
          "%s: tensor '%s': expected floats of shape [%d, %d] to merge the LoRA into, found %s %s"
              .formatted(base.origin(), tensor, pair.out(), pair.in(), info.dtype(), info.shape()));
    }
    TensorInfo result = new TensorInfo(tensor, stored.dtype(), info.shape());
    int from = info.dtype().bytes();
    int to = stored.dtype().bytes();
    return (offset, chunk) -> {
      int count = chunk.remaining() / to;
      float[] values =
          FloatCodec.decode(info.dtype(), base.bytes(tensor, offset / to * from, count * from));
      pair.addTo(values, offset / to, change.strength());
      stored.error().encode(base.origin(), result, values, chunk);
    };
  }
}
