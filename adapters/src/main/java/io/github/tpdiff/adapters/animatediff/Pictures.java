package io.github.tpdiff.adapters.animatediff;

import io.github.tpdiff.runtime.graph.Value;
import java.util.function.UnaryOperator;

/** Frames of a clip [B, F, C, h, w] seen as B·F pictures [N, C, h, w]. */
final class Pictures {
  private Pictures() {}

  /** Applies {@code layer} to every frame; it may change channels and sizes. */
  static Value each(Value clip, UnaryOperator<Value> layer) {
    Value pictures =
        clip.reshape(clip.dim(0).times(clip.dim(1)), clip.dim(2), clip.dim(3), clip.dim(4));
    Value result = layer.apply(pictures);
    return result.reshape(clip.dim(0), clip.dim(1), result.dim(1), result.dim(2), result.dim(3));
  }
}
