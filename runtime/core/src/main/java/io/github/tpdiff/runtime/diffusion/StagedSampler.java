package io.github.tpdiff.runtime.diffusion;

import static com.google.common.base.Preconditions.checkArgument;

import java.util.List;

/**
 * Sampling through all stages: noise on the coarsest grid, then per stage some steps, then linkage
 * to the next (paper algorithm 2).
 *
 * <p>Multistep samplers begin anew in every stage. With one stage this is the checkpoint's own
 * sampling over its published grid.
 *
 * @param plan the stages
 * @param sampler the solver inside a stage
 * @param steps of each stage, in sampling order
 */
public record StagedSampler(StagePlan plan, Sampler sampler, List<List<SamplerStep>> steps) {

  /**
   * @throws IllegalArgumentException if the steps do not match the stages, or the solver renews
   *     noise and the stages do not say how much of it there is
   */
  public StagedSampler {
    steps = steps.stream().map(List::copyOf).toList();
    checkArgument(
        steps.size() == plan.stages().size(),
        "steps: expected those of %s stages, found those of %s",
        plan.stages().size(),
        steps.size());
    checkArgument(
        !sampler.renewsNoise() || plan.config().coarserIsKnown(),
        "sampler: one that renews noise must know the coarser latents from the finer, which these"
            + " stages do not say (targets %s, space downsampling %s, space upsampling %s); use one"
            + " that adds none, such as euler",
        Words.of(plan.config().targets()),
        Words.of(plan.config().space().downsampling()),
        Words.of(plan.config().space().upsampling()));
  }

  /** The same total of steps as a vanilla run, split as the plan's configuration says. */
  public static StagedSampler of(StagePlan plan, Sampler sampler, int totalSteps) {
    return new StagedSampler(plan, sampler, Steps.count(totalSteps).in(plan));
  }

  /** So many steps in each stage, in sampling order. */
  public static StagedSampler split(StagePlan plan, Sampler sampler, List<Integer> counts) {
    return new StagedSampler(plan, sampler, Steps.split(plan, counts));
  }

  /** Steps of all stages together. */
  public int totalSteps() {
    return steps.stream().mapToInt(List::size).sum();
  }

  /**
   * Clean latents at full rate.
   *
   * @param shape of the result
   * @param denoiser the network, guidance included
   * @param noise drawn from on the stage's grid: once on the way into each stage, then by a
   *     stochastic sampler for each step of the stage that adds noise, in sampling order
   * @param listener told of every stage and step
   * @throws IllegalArgumentException if the shape has another grid than the plan
   */
  public Latents sample(
      LatentShape shape, Denoiser denoiser, NoiseSource noise, StageListener listener) {
    checkArgument(
        shape.grid().equals(plan.grid()),
        "latents: the plan is for %s, found %s",
        plan.grid(),
        shape);
    Latents x = noise.draw(shape.withGrid(plan.stages().get(0).grid().size()));
    for (int i = 0; i < steps.size(); i++) {
      Stage stage = plan.stages().get(i);
      if (i > 0) {
        x = plan.linkages().get(i - 1).apply(x, noise.draw(shape.withGrid(stage.grid().size())));
      }
      listener.onStage(stage, steps.get(i).size(), x);
      var run =
          new SamplerRun(
              plan.line(stage),
              steps.get(i),
              network(stage, denoiser.in(stage, steps.get(i))),
              noise,
              (index, latents) -> listener.onStep(stage, index, latents));
      x = sampler.sample(run, x);
    }
    return x;
  }

  /** The network in one stage, its predictions in the scale of the whole schedule. */
  private Denoiser.Prediction network(Stage stage, Denoiser.Prediction network) {
    double scale = plan.predictionScale(stage);
    return scale == 1 ? network : (x, timestep) -> network.predict(x, timestep).times(1 / scale);
  }
}
