package io.github.tpdiff.adapters.animatediff;

import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.layout.Layout;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;

/** Where the sinusoidal rows of the frames' positions come from. */
enum PositionTable {
  /** The formula, in fp32. */
  COMPUTED,
  /**
   * The checkpoint. diffusers keeps the table among the weights, so that in a half precision file
   * it is rounded as they are, and the network sees the rounded one.
   */
  STORED;

  private static final String SUFFIX = ".pos_embed.pe";

  /** The name of the stored table of a width, which all modules of that width share. */
  static String name(int channels) {
    return "positions." + channels + ".table";
  }

  /** Which one a checkpoint of a layout asks for; its authors' code does not read the tables. */
  static PositionTable of(TensorSource weights, Layout layout) {
    boolean rounded =
        weights.names().stream()
            .filter(name -> name.endsWith(SUFFIX))
            .anyMatch(name -> weights.require(name).dtype() != DType.F32);
    return layout == Layout.DIFFUSERS && rounded ? STORED : COMPUTED;
  }

  /** A table, where the checkpoint has one. */
  static Optional<TensorInfo> find(TensorSource weights) {
    return weights.names().stream()
        .filter(name -> name.endsWith(SUFFIX))
        .findFirst()
        .map(weights::require);
  }

  /** The weights with one stored table of each width under its {@link #name}. */
  TensorSource in(TensorSource weights) {
    if (this == COMPUTED) {
      return weights;
    }
    Map<String, String> names = new HashMap<>();
    var seen = new HashSet<Long>();
    for (String name : weights.names()) {
      if (name.endsWith(SUFFIX)) {
        var shape = weights.require(name).shape();
        long channels = shape.get(shape.size() - 1);
        if (seen.add(channels)) {
          names.put(name, name(Math.toIntExact(channels)));
        }
      }
    }
    return weights.renamed(name -> Optional.of(names.getOrDefault(name, name)));
  }
}
