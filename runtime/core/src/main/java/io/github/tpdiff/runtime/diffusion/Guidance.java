package io.github.tpdiff.runtime.diffusion;

import static com.google.common.base.Preconditions.checkArgument;

import java.util.List;
import java.util.function.Supplier;

/**
 * Classifier-free guidance on the prediction: {@code p = p_u + g·(p_c − p_u)} (Ho & Salimans 2022).
 */
public sealed interface Guidance {

  /** No guidance: the unconditional network is never asked. */
  static Guidance none() {
    return new None();
  }

  /**
   * Guidance with scale g; 1 is {@link #none}.
   *
   * @throws IllegalArgumentException if the scale is not finite
   */
  static Guidance scale(double guidanceScale) {
    checkArgument(
        Double.isFinite(guidanceScale), "guidance_scale: must be finite, found %s", guidanceScale);
    return guidanceScale == 1 ? none() : new Scale(guidanceScale);
  }

  /** Whether unconditional predictions take part. */
  boolean needsUnconditional();

  /**
   * The guided prediction.
   *
   * @param predictions the conditional one, then the unconditional where it takes part
   */
  Latents combine(List<Latents> predictions);

  /** The guided network; {@code unconditional} is only asked for where it takes part. */
  default Denoiser guide(Denoiser conditional, Supplier<Denoiser> unconditional) {
    if (!needsUnconditional()) {
      return (x, timestep, positions) ->
          combine(List.of(conditional.predict(x, timestep, positions)));
    }
    Denoiser negative = unconditional.get();
    return (x, timestep, positions) ->
        combine(
            List.of(
                conditional.predict(x, timestep, positions),
                negative.predict(x, timestep, positions)));
  }

  /** The conditional prediction alone. */
  record None() implements Guidance {
    @Override
    public boolean needsUnconditional() {
      return false;
    }

    @Override
    public Latents combine(List<Latents> predictions) {
      return predictions.get(0);
    }
  }

  /**
   * Guidance with a scale.
   *
   * @param guidanceScale g
   */
  record Scale(double guidanceScale) implements Guidance {
    @Override
    public boolean needsUnconditional() {
      return true;
    }

    @Override
    public Latents combine(List<Latents> predictions) {
      return predictions.get(1).mix(1 - guidanceScale, guidanceScale, predictions.get(0));
    }
  }
}
