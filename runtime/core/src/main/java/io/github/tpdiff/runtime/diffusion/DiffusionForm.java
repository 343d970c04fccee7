package io.github.tpdiff.runtime.diffusion;

/**
 * How a noisy latent is made of data and noise, and how what the network predicts of it is read.
 *
 * <p>{@code x_t = γ_t x_0 + σ_t ε} with t in [0, 1], t = 0 clean. In the coordinate {@code y = x /
 * scale(t)} and the clock {@code τ} both forms are straight lines, {@code y_τ = y_0 + τ · dy/dτ},
 * and what the network predicts says {@code dy/dτ}; so samplers, targets and linkage are written
 * once, in (y, τ):
 *
 * <pre>
 *   form                  γ       σ           dy/dτ     y        τ       network predicts
 *   flow matching         1 − t   t           ε − x_0   x        t       dy/dτ
 *   variance preserving   √ᾱ_t    √(1 − ᾱ_t)  ε         x / γ    σ / γ   as its {@link PredictionType} says
 * </pre>
 */
public sealed interface DiffusionForm permits FlowMatching, VariancePreserving {

  /** The share γ_t of the data. */
  double gamma(double t);

  /** The share σ_t of the noise. */
  double sigma(double t);

  /** The factor between the latent and the coordinate: {@code x = scale(t) · y}. */
  double scale(double t);

  /** The clock τ; grows with t. */
  double tau(double t);

  /**
   * dy/dτ, from what the network predicts.
   *
   * @param x the noisy latents at time t that it was asked for
   */
  Latents derivative(Latents x, Latents prediction, double t);

  /** What a network should predict of {@code x}; the inverse of {@link #derivative}. */
  Latents prediction(Latents x, Latents derivative, double t);

  /**
   * The time at which {@code σ_t / γ_t} is {@code noiseToSignal}; the inverse of that ratio.
   *
   * @param noiseToSignal at least 0; infinity is t = 1 for flow matching
   */
  double timeAt(double noiseToSignal);

  /** The time at which the clock is {@code tau}; the inverse of {@link #tau}. */
  double timeOf(double tau);

  /** What the network is told at time t, on the checkpoint's own scale. */
  double timestep(double t);

  /** The time of a timestep; the inverse of {@link #timestep}. */
  double time(double timestep);

  /**
   * The largest time not above t at which the network can be asked: t itself for flow matching, a
   * point of the table for DDIM.
   */
  double floorTime(double t);

  /** The smallest time not below t at which the network can be asked. */
  default double ceilTime(double t) {
    double below = floorTime(t);
    return t - below > 1e-9 ? below + firstTime() : below;
  }

  /** The smallest time at which the network can be asked. */
  double firstTime();
}
