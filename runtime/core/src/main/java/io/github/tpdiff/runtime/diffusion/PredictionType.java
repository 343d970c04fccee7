package io.github.tpdiff.runtime.diffusion;

import java.util.Optional;

/**
 * What a network of a {@link VariancePreserving} form predicts, named as in diffusers' {@code
 * prediction_type}.
 *
 * <p>Whatever it is, with the noisy latent x it says where the line through x goes: its slope
 * dy/dτ, which is ε, and where it meets clean data, x_0 = (x − σ ε) / γ. Each is an affine function
 * of the prediction at given x, so the mean of one is the mean of the other: networks of any type
 * that are right sample alike.
 */
public enum PredictionType {
  /** ε itself (Ho et al. 2020). */
  EPSILON {
    @Override
    Latents epsilon(Point at, Latents prediction) {
      return prediction;
    }

    @Override
    Latents prediction(Point at, Latents epsilon) {
      return epsilon;
    }
  },
  /** {@code v = γ ε − σ x_0} (Salimans & Ho 2022, appendix D). */
  V_PREDICTION {
    @Override
    Latents epsilon(Point at, Latents prediction) {
      return prediction.mix(at.gamma, at.sigma, at.x);
    }

    @Override
    Latents prediction(Point at, Latents epsilon) {
      return epsilon.mix(1 / at.gamma, -at.sigma / at.gamma, at.x);
    }
  },
  /** x_0. */
  SAMPLE {
    @Override
    Latents epsilon(Point at, Latents prediction) {
      return prediction.mix(-at.gamma / at.sigma, 1 / at.sigma, at.x);
    }

    @Override
    Latents prediction(Point at, Latents epsilon) {
      return epsilon.mix(-at.sigma / at.gamma, 1 / at.gamma, at.x);
    }
  };

  /** Noisy latents {@code x = γ x_0 + σ ε}, γ² + σ² = 1. */
  record Point(Latents x, double gamma, double sigma) {}

  /** ε from the prediction. */
  abstract Latents epsilon(Point at, Latents prediction);

  /** The prediction from ε; the inverse of {@link #epsilon}. */
  abstract Latents prediction(Point at, Latents epsilon);

  /** The type of a name such as {@code v_prediction}. */
  public static Optional<PredictionType> find(String name) {
    return new Words<>(PredictionType.class).find(name);
  }
}
