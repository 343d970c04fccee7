package io.github.tpdiff.adapters.animatediff;

import io.github.tpdiff.adapters.madeup.Taps;
import io.github.tpdiff.weights.TensorInfo;
import java.util.Optional;

/**
 * Weights with which made-up motion modules start by telling frames apart: norms leave less of the
 * picture than of the positions that are added to it, queries and keys are the same projection, so
 * that frames attend to themselves and their neighbours, and the result counts.
 *
 * @param spared channels, from the first on, to which nothing is added
 */
record FrameStart(int spared) {
  private static final float PICTURE = 0.25f;
  private static final double SHARPNESS = 2;
  private static final double SHARE = 0.5;

  /** The values of a tensor, unless it may be anything. */
  Optional<float[]> find(TensorInfo info) {
    String name = info.name();
    String layer = name.substring(name.lastIndexOf('.', name.lastIndexOf('.') - 1) + 1);
    String module = name.substring(0, name.length() - layer.length());
    var taps = new Taps(info);
    return switch (layer) {
      case "norm1.weight", "norm2.weight" -> Optional.of(taps.fill(PICTURE).values());
      case "to_q.weight", "to_k.weight" ->
          Optional.of(taps.normal(module.hashCode(), SHARPNESS, 0).values());
      case "proj_out.weight" -> Optional.of(taps.normal(name.hashCode(), SHARE, spared).values());
      default -> Optional.empty();
    };
  }
}
