package io.github.tpdiff.adapters.animatediff;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.adapters.madeup.Taps;
import io.github.tpdiff.weights.TensorInfo;
import java.util.Optional;

/**
 * Weights with which a made-up UNet starts by taking most of what it is given for noise: its output
 * is about 0.7 of its input, nearly right at the noisiest times. What is left to train is the
 * picture.
 *
 * <p>The first convolution copies the latents with both signs, the last residual block's shortcut
 * passes the copies on, and the last convolution takes silu(a) − silu(−a) = a. Two constants, c and
 * −c, are half of what the norm before it measures: a norm of the signals alone would take away
 * their amplitude, which over so few positions says something.
 */
final class NoisePassage {
  private static final float CONSTANT = 4;

  private final UnetConfig config;
  private final String shortcut;

  /**
   * @param config with a single group in its norms, which the constants then govern
   */
  NoisePassage(UnetConfig config) {
    checkArgument(config.normGroups() == 1, "norm groups: expected 1");
    this.config = config;
    this.shortcut =
        "up_blocks.%s.resnets.%s.conv_shortcut.".formatted(config.levels() - 1, config.layers());
  }

  /** Channels at the full size, from the first on, that hold the copies and the constants. */
  int taken() {
    return 2 * config.channels() + 2;
  }

  /** The values of a tensor, unless it may be anything. */
  Optional<float[]> find(TensorInfo info) {
    return named(info.name(), new Taps(info)).map(Taps::values);
  }

  private Optional<Taps> named(String name, Taps taps) {
    int channels = config.channels();
    int copies = 2 * channels;
    long seed = name.hashCode();
    if (name.equals("conv_in.weight")) {
      taps.normal(seed, 1, copies);
      for (int i = 0; i < channels; i++) {
        taps.present(1, i, i).present(-1, channels + i, i);
      }
    } else if (name.equals(shortcut + "weight")) {
      taps.normal(seed, 1, taken());
      int skip = taps.extent(1) - width();
      for (int i = 0; i < copies; i++) {
        taps.present(1, i, skip + i);
      }
    } else if (name.equals(shortcut + "bias")) {
      taps.set(CONSTANT, copies).set(-CONSTANT, copies + 1);
    } else if (name.equals("conv_norm_out.weight")) {
      taps.fill(CONSTANT * (float) Math.sqrt(2.0 / width()));
    } else if (name.equals("conv_out.weight")) {
      for (int i = 0; i < channels; i++) {
        taps.present(1, i, i).present(-1, i, channels + i);
      }
    } else {
      return Optional.empty();
    }
    return Optional.of(taps);
  }

  private int width() {
    return config.widths().get(0);
  }
}
