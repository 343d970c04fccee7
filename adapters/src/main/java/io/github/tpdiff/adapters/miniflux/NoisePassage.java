package io.github.tpdiff.adapters.miniflux;

import io.github.tpdiff.adapters.madeup.Taps;
import io.github.tpdiff.weights.TensorInfo;
import java.util.Optional;

/**
 * Weights with which a made-up transformer starts by taking what it is given for noise: its output
 * is its input, right at the noisiest times. What is left to train is the picture.
 *
 * <p>Tokens hold a patch's values in their first channels, to which the blocks add nothing, and the
 * last projection reads them. Two constants, c and −c, are half of what the norm before it
 * measures: a norm of the signals alone would take away their amplitude.
 */
record NoisePassage(PyramidFluxConfig config) {

  /** Channels of a token that hold the copies and the constants. */
  private int taken() {
    return config.patchElements() + 2;
  }

  /** The values of a tensor, unless it may be anything. */
  Optional<float[]> find(TensorInfo info) {
    return named(info.name(), new Taps(info)).map(Taps::values);
  }

  private Optional<Taps> named(String name, Taps taps) {
    long seed = name.hashCode();
    if (addsToVideo(name)) {
      return Optional.of(taps.normal(seed, 1, taken()));
    }
    int patch = config.patchElements();
    return switch (name) {
      case "x_embedder.weight" -> Optional.of(diagonal(taps.normal(seed, 1, taken()), 1));
      case "x_embedder.bias" -> {
        double constant = Math.sqrt(config.width() / 2.0);
        yield Optional.of(taps.set(constant, patch).set(-constant, patch + 1));
      }
      case "time_text_embed.timestep_embedder.linear_2.weight" ->
          Optional.of(taps.normal(seed, 0.1, 0));
      case "norm_out.linear.weight" -> Optional.of(taps);
      case "proj_out.weight" -> Optional.of(diagonal(taps, Math.sqrt(2)));
      default -> Optional.empty();
    };
  }

  private static boolean addsToVideo(String name) {
    return name.endsWith(".attn.to_out.0.weight")
        || name.endsWith(".ff.net.2.weight")
        || name.endsWith(".proj_out.weight");
  }

  private Taps diagonal(Taps taps, double value) {
    for (int i = 0; i < config.patchElements(); i++) {
      taps.set(value, i, i);
    }
    return taps;
  }
}
