package io.github.tpdiff.runtime.diffusion;

import static com.google.common.base.Preconditions.checkArgument;

import java.util.List;

/**
 * What a sampler works on: a time grid, a network, noise, and someone who watches.
 *
 * @param line along which latents go, with the form and the timesteps
 * @param steps the grid
 * @param network with guidance and frame positions in it
 * @param noise what a stochastic sampler adds, drawn step by step; a deterministic one draws
 *     nothing
 * @param listener told after every step
 */
public record SamplerRun(
    StageLine line,
    List<SamplerStep> steps,
    Denoiser.Prediction network,
    NoiseSource noise,
    StepListener listener) {

  /** Told after every step of a sampler; what it throws ends the run. */
  @FunctionalInterface
  public interface StepListener {
    /** Step {@code index} (from 0) is done and left {@code x}. */
    void onStep(int index, Latents x);
  }

  /**
   * @throws IllegalArgumentException if there is no step
   */
  public SamplerRun {
    checkArgument(!steps.isEmpty(), "steps: at least 1, found 0");
    steps = List.copyOf(steps);
  }

  /** dy/dτ at the beginning of a step, from what the network predicts there. */
  Latents derivative(Latents x, SamplerStep step) {
    return form().derivative(x, network.predict(x, step.timestep()), step.time());
  }

  /** dy/dτ at any time at which the network can be asked. */
  Latents derivative(Latents x, double time) {
    return form().derivative(x, network.predict(x, line.schedule().timestep(time)), time);
  }

  /** {@code x} moved along dy/dτ from one time to another: {@code y += (τ' − τ)·dy/dτ}. */
  Latents advance(Latents x, Latents derivative, SamplerStep step) {
    DiffusionForm form = form();
    double scale = form.scale(step.next());
    double dtau = form.tau(step.next()) - form.tau(step.time());
    return x.mix(scale / form.scale(step.time()), scale * dtau, derivative);
  }

  /** The data that a derivative points at: {@code x_0 = y − τ·dy/dτ}. */
  Latents clean(Latents x, Latents derivative, double time) {
    DiffusionForm form = form();
    return x.mix(1 / form.scale(time), -form.tau(time), derivative);
  }

  /** The noise ε in x: what of dy/dτ is not the data's motion. */
  Latents noiseIn(Latents x, Latents derivative, double time) {
    return derivative.plus(-1, line.drift(clean(x, derivative, time)));
  }

  /** ρ'/ρ with ρ = σ/γ: the share of its noise that a stochastic step keeps at η = 1. */
  double keptNoise(SamplerStep step) {
    DiffusionForm form = form();
    return form.sigma(step.next())
        * form.gamma(step.time())
        / (form.gamma(step.next()) * form.sigma(step.time()));
  }

  /** {@code x + s·z}, z fresh noise; where s is 0 nothing is drawn. */
  Latents renewed(Latents x, double s) {
    return s == 0 ? x : x.plus(s, noise.draw(x.shape()));
  }

  /** The form of the schedule. */
  DiffusionForm form() {
    return line.schedule().form();
  }
}
