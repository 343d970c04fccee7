package io.github.tpdiff.adapters.wan;

import io.github.tpdiff.adapters.madeup.Taps;
import io.github.tpdiff.weights.TensorInfo;
import java.util.Optional;

/**
 * Weights with which a made-up transformer starts by taking what it is given for noise: its output
 * is its input, right at the noisiest times. What is left to train is the picture.
 *
 * <p>The patch embedding copies a patch's values into the first channels of its token, the blocks
 * add nothing to them, and the last projection reads them. Two constants, c and −c, are half of
 * what the norm before it measures: a norm of the signals alone would take away their amplitude.
 */
final class NoisePassage {
  private final WanTransformerConfig config;
  private final float constant;

  NoisePassage(WanTransformerConfig config) {
    this.config = config;
    this.constant = (float) Math.sqrt(config.width() / 2.0);
  }

  /** Channels of a token that hold the copies and the constants. */
  private int taken() {
    return config.outPatch() + 2;
  }

  /** The values of a tensor, unless it may be anything. */
  Optional<float[]> find(TensorInfo info) {
    return named(info.name(), new Taps(info)).map(Taps::values);
  }

  private Optional<Taps> named(String name, Taps taps) {
    long seed = name.hashCode();
    if (name.equals("patch_embedding.weight")) {
      return Optional.of(copied(taps.normal(seed, 1, taken())));
    }
    if (name.equals("patch_embedding.bias")) {
      return Optional.of(
          taps.set(constant, config.outPatch()).set(-constant, config.outPatch() + 1));
    }
    if (name.endsWith(".to_out.0.weight") || name.endsWith(".ffn.net.2.weight")) {
      return Optional.of(taps.normal(seed, 1, taken()));
    }
    if (name.equals("condition_embedder.time_embedder.linear_2.weight")) {
      return Optional.of(taps.normal(seed, 0.1, 0));
    }
    if (name.equals("scale_shift_table")) {
      return Optional.of(taps);
    }
    if (name.equals("proj_out.weight")) {
      for (int i = 0; i < config.outPatch(); i++) {
        taps.set(Math.sqrt(2), i, i);
      }
      return Optional.of(taps);
    }
    return Optional.empty();
  }

  /** A token's values in the order in which the last projection's are taken apart. */
  private Taps copied(Taps taps) {
    int channel = 0;
    for (int frame = 0; frame < taps.extent(2); frame++) {
      for (int row = 0; row < taps.extent(3); row++) {
        for (int column = 0; column < taps.extent(4); column++) {
          for (int in = 0; in < config.outChannels(); in++) { // a picture's come behind
            taps.set(1, channel++, in, frame, row, column);
          }
        }
      }
    }
    return taps;
  }
}
