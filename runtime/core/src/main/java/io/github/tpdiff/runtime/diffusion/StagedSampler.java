package io.github.tpdiff.runtime.diffusion;

import static com.google.common.base.Preconditions.checkArgument;

import java.util.List;

/**
 * Sampling through all stages: noise at the coarsest, then per stage some steps, then linkage to
 * the next (paper algorithm 2).
 *
 * <p>Multistep samplers begin anew in every stage. With one stage this is the checkpoint's own
 * sampling over its published grid.
 *
 * @param plan the stages
 * @param sampler the solver inside a stage
 * @param steps the steps of each stage, in sampling order
 */
public record StagedSampler(StagePlan plan, Sampler sampler, List<Integer> steps) {

  /**
   * @throws IllegalArgumentException if the steps do not match the stages
   */
  public StagedSampler {
    steps = List.copyOf(steps);
    checkArgument(
        steps.size() == plan.stages().size(),
        "steps: expected %s values, one a stage, found %s",
        plan.stages().size(),
        steps);
  }

  /** The same total of steps as a vanilla run, split as the plan's configuration says. */
  public static StagedSampler of(StagePlan plan, Sampler sampler, int totalSteps) {
    return new StagedSampler(plan, sampler, plan.config().splitSteps(totalSteps));
  }

  /**
   * Clean latents at full rate.
   *
   * @param shape of the result
   * @param denoiser the network, guidance included
   * @param noise drawn from at the stage's frame count: once on the way into each stage, then by a
   *     stochastic sampler for each step of the stage that adds noise, in sampling order
   * @param listener told of every stage and step
   * @throws IllegalArgumentException if the shape has another frame count than the plan
   */
  public Latents sample(
      LatentShape shape, Denoiser denoiser, NoiseSource noise, StageListener listener) {
    checkArgument(
        shape.frames() == plan.frames(),
        "latents: the plan is for %s frames, found %s",
        plan.frames(),
        shape);
    Latents x = noise.draw(shape.withFrames(plan.stages().get(0).frames()));
    for (int i = 0; i < steps.size(); i++) {
      Stage stage = plan.stages().get(i);
      if (i > 0) {
        x = plan.linkages().get(i - 1).apply(x, noise.draw(shape.withFrames(stage.frames())));
      }
      listener.onStage(stage, steps.get(i), x);
      var run =
          new SamplerRun(
              plan.line(stage),
              plan.schedule().steps(steps.get(i), stage.start(), stage.end()),
              network(stage, denoiser),
              noise,
              (index, latents) -> listener.onStep(stage, index, latents));
      x = sampler.sample(run, x);
    }
    return x;
  }

  /** The network in one stage, its predictions in the scale of the whole schedule. */
  private Denoiser.Prediction network(Stage stage, Denoiser denoiser) {
    Denoiser.Prediction network = denoiser.at(stage.positions());
    double scale = plan.predictionScale(stage);
    return scale == 1 ? network : (x, timestep) -> network.predict(x, timestep).times(1 / scale);
  }
}
