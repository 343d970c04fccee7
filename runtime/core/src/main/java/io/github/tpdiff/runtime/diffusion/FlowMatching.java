package io.github.tpdiff.runtime.diffusion;

import static com.google.common.base.Preconditions.checkArgument;

/**
 * Rectified flow: {@code x_t = (1 − t) x_0 + t ε}, the network predicts the velocity {@code dx/dt =
 * ε − x_0} and is told {@code trainTimesteps · t} (Lipman et al. 2023, Liu et al. 2023).
 *
 * @param trainTimesteps the timestep of t = 1, usually 1000
 */
public record FlowMatching(int trainTimesteps) implements DiffusionForm {

  /**
   * @throws IllegalArgumentException if {@code trainTimesteps} is not positive
   */
  public FlowMatching {
    checkArgument(
        trainTimesteps > 0, "num_train_timesteps: must be positive, found %s", trainTimesteps);
  }

  /** The usual scale, 1000 timesteps. */
  public FlowMatching() {
    this(1000);
  }

  @Override
  public double gamma(double t) {
    return 1 - t;
  }

  @Override
  public double sigma(double t) {
    return t;
  }

  @Override
  public double scale(double t) {
    return 1;
  }

  @Override
  public double tau(double t) {
    return t;
  }

  @Override
  public Latents derivative(Latents x, Latents prediction, double t) {
    return prediction;
  }

  @Override
  public Latents prediction(Latents x, Latents derivative, double t) {
    return derivative;
  }

  @Override
  public double timeAt(double noiseToSignal) {
    return Double.isInfinite(noiseToSignal) ? 1 : noiseToSignal / (1 + noiseToSignal);
  }

  @Override
  public double timeOf(double tau) {
    return tau;
  }

  @Override
  public double timestep(double t) {
    return trainTimesteps * t;
  }

  @Override
  public double time(double timestep) {
    return timestep / trainTimesteps;
  }

  @Override
  public double floorTime(double t) {
    return t;
  }

  @Override
  public double firstTime() {
    return 0;
  }
}
