package io.github.tpdiff.runtime.diffusion;

import static com.google.common.base.Preconditions.checkArgument;

import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * How much a model's predictions change from step to step, measured in one run, for {@link
 * MagCache}.
 *
 * @param family of the model
 * @param sampler that the steps were made with, by name
 * @param stages in sampling order, each with its own steps
 */
public record MagCalibration(String family, String sampler, List<OfStage> stages) {
  private static final int MOST_STEPS = 10_000;

  /**
   * One stage.
   *
   * @param stage its number, 1 for the last
   * @param timesteps that the network was told
   * @param conditional what its conditional predictions did
   * @param unconditional what those of guidance did, where it took part in every step
   */
  public record OfStage(
      int stage, List<Double> timesteps, Branch conditional, Optional<Branch> unconditional) {
    /**
     * @throws IllegalArgumentException if branches and timesteps do not go together
     */
    public OfStage {
      timesteps = List.copyOf(timesteps);
      checkArgument(
          !timesteps.isEmpty() && timesteps.size() <= MOST_STEPS,
          "stages.timesteps: expected from 1 to %s, found %s",
          MOST_STEPS,
          timesteps.size());
      requireSize("stages.conditional", conditional, timesteps.size());
      if (unconditional.isPresent()) {
        requireSize("stages.unconditional", unconditional.get(), timesteps.size());
      }
    }

    private static void requireSize(String field, Branch branch, int steps) {
      checkArgument(
          branch.ratios().size() == steps - 1 && branch.changes().size() == steps - 1,
          "%s: expected %s ratios and changes for %s timesteps, found %s and %s",
          field,
          steps - 1,
          steps,
          branch.ratios().size(),
          branch.changes().size());
    }

    /** What the predictions of a branch did, if it was measured in every step. */
    Optional<Branch> branch(int index) {
      return index == PredictionReuse.OfStage.CONDITIONAL
          ? Optional.of(conditional)
          : unconditional;
    }
  }

  /**
   * Predictions p of one branch; the first of each list is that of the second step.
   *
   * @param ratios {@code ‖p_i‖ / ‖p_(i−1)‖}
   * @param changes {@code ‖p_i − p_(i−1)‖ / ‖p_(i−1)‖}
   */
  public record Branch(List<Double> ratios, List<Double> changes) {
    /**
     * @throws IllegalArgumentException if a value is negative or not finite
     */
    public Branch {
      ratios = requireFinite("ratios", ratios);
      changes = requireFinite("changes", changes);
    }

    private static List<Double> requireFinite(String field, List<Double> values) {
      checkArgument(
          values.stream().allMatch(value -> value >= 0 && Double.isFinite(value)),
          "%s: expected finite values of at least 0, found %s",
          field,
          values);
      return List.copyOf(values);
    }
  }

  /**
   * @throws IllegalArgumentException if the stages are not numbered down to 1
   */
  public MagCalibration {
    stages = List.copyOf(stages);
    for (int i = 0; i < stages.size(); i++) {
      checkArgument(
          stages.get(i).stage() == stages.size() - i,
          "stages.stage: expected %s, found %s",
          stages.size() - i,
          stages.get(i).stage());
    }
    checkArgument(!stages.isEmpty(), "stages: expected at least one, found none");
    requireOnce(sampler);
  }

  /**
   * Checks that a sampler asks the network once a step.
   *
   * @param name of the sampler
   * @throws IllegalArgumentException if it does not
   */
  public static void requireOnce(String name) {
    checkArgument(
        !name.equals(Samplers.nameOf(new HeunSampler())),
        "magcache: expected a sampler that asks the network once a step, found %s",
        name);
  }

  /** Steps of all stages together. */
  public int steps() {
    return stages.stream().mapToInt(own -> own.timesteps().size()).sum();
  }

  /**
   * Checks that it was measured at the steps of a run.
   *
   * @param model family
   * @throws IllegalArgumentException if it was of another model, or other steps
   */
  public void requireFits(String model, StagedSampler sampler) {
    checkArgument(
        family.equals(model), "magcache: calibrated for the model %s, found %s", family, model);
    checkArgument(
        this.sampler.equals(Samplers.nameOf(sampler.sampler())),
        "magcache: calibrated with the sampler %s, found %s; calibrate with this one",
        this.sampler,
        Samplers.nameOf(sampler.sampler()));
    checkArgument(
        stages.size() == sampler.steps().size(),
        "magcache: calibrated in %s stages, found %s; calibrate in these",
        stages.size(),
        sampler.steps().size());
    for (int i = 0; i < stages.size(); i++) {
      List<Double> found = sampler.steps().get(i).stream().map(SamplerStep::timestep).toList();
      checkArgument(
          areNear(stages.get(i).timesteps(), found),
          "magcache: stage %s was calibrated with %s steps at timesteps %s, found %s at %s;"
              + " calibrate with these",
          stages.get(i).stage(),
          stages.get(i).timesteps().size(),
          shown(stages.get(i).timesteps()),
          found.size(),
          shown(found));
    }
  }

  private static boolean areNear(List<Double> some, List<Double> others) {
    boolean near = some.size() == others.size();
    for (int i = 0; near && i < some.size(); i++) {
      near = Math.abs(some.get(i) - others.get(i)) < 0.5;
    }
    return near;
  }

  private static String shown(List<Double> timesteps) {
    return String.format(
        Locale.ROOT, "%.4g to %.4g", timesteps.get(0), timesteps.get(timesteps.size() - 1));
  }
}
