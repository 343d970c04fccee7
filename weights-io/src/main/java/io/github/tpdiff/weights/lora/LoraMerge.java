package io.github.tpdiff.weights.lora;

import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.FloatCodec;
import io.github.tpdiff.weights.RoundingError;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSink;
import io.github.tpdiff.weights.TensorSource;

/** A tensor with a LoRA merged into it, produced piece by piece. */
public final class LoraMerge {

  private LoraMerge() {}

  /**
   * A change of a tensor and a factor on it.
   *
   * @param change made ready for the tensor as it is in the base
   */
  public record Change(PreparedChange change, double strength) {}

  /** The floating type to store, and where to note what that costs. */
  public record Stored(DType dtype, RoundingError error) {}

  /**
   * The payload of {@code W + strength · change}, computed in fp32 and stored in any floating type.
   *
   * @param tensor the weight's name in {@code base}
   * @throws CheckpointException by the payload, when a number is not finite in the stored type
   */
  public static TensorSink.Payload merged(
      TensorSource base, Change change, String tensor, Stored stored) {
    TensorInfo info = base.require(tensor);
    int from = info.dtype().bytes();
    int to = stored.dtype().bytes();
    TensorInfo target = new TensorInfo(tensor, stored.dtype(), info.shape());
    return (offset, chunk) -> {
      int count = chunk.remaining() / to;
      float[] values =
          FloatCodec.decode(info.dtype(), base.bytes(tensor, offset / to * from, count * from));
      change.change().addTo(values, offset / to, change.strength());
      stored.error().encode(base.origin(), target, values, chunk);
    };
  }
}
