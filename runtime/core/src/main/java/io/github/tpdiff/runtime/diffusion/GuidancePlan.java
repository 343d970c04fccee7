package io.github.tpdiff.runtime.diffusion;

import static com.google.common.base.Preconditions.checkArgument;

import java.util.List;
import java.util.Optional;

/**
 * Where classifier-free guidance takes part: with its own scale in each denoiser or in each stage,
 * and only at some noise levels, outside of which the conditional prediction stands alone
 * (Kynkäänniemi et al. 2024, "Applying Guidance in a Limited Interval").
 *
 * @param form whose clock the noise levels are on, as of {@link Steps#sigmas}
 * @param denoisers of each denoiser of the model
 * @param stages of each stage in sampling order, in place of the denoisers' own; empty for those
 * @param interval the noise levels σ with {@code to < σ ≤ from}, as pairs from, to: one for all
 *     stages or one for each; a stage with no pair has no guidance. The network's timestep decides.
 */
public record GuidancePlan(
    DiffusionForm form,
    List<Guidance> denoisers,
    List<Guidance> stages,
    Optional<NoiseLevels> interval) {

  /**
   * @throws IllegalArgumentException if an interval is no pair
   */
  public GuidancePlan {
    denoisers = List.copyOf(denoisers);
    stages = List.copyOf(stages);
    interval.ifPresent(
        levels ->
            checkArgument(
                levels.lists().stream().allMatch(pair -> pair.isEmpty() || pair.size() == 2),
                "guidance_interval: expected pairs of noise levels such as 0.9,0.2, one for all"
                    + " stages or one for each, found %s",
                levels));
  }

  /** Guidance of each denoiser, at all noise levels. */
  public static GuidancePlan of(DiffusionForm form, List<Guidance> denoisers) {
    return new GuidancePlan(form, denoisers, List.of(), Optional.empty());
  }

  /**
   * Checks that it is for so many stages.
   *
   * @throws IllegalArgumentException if it is for others
   */
  public void requireStages(int count) {
    checkArgument(
        stages.isEmpty() || stages.size() == count,
        "stage_guidance: expected %s values, one a stage, found %s",
        count,
        stages.size());
    int pairs = interval.map(levels -> levels.lists().size()).orElse(1);
    checkArgument(
        pairs == 1 || pairs == count,
        "guidance_interval: expected one pair, or one for each of %s stages, found %s",
        count,
        pairs);
  }

  /**
   * Guidance of one prediction.
   *
   * @param denoiser its index in the model
   * @param stage number of the stage, 1 for the last
   * @param timestep that the network is told
   */
  public Guidance at(int denoiser, int stage, double timestep) {
    return isWithin(stage, form.tau(form.time(timestep)))
        ? scale(denoiser, stage)
        : Guidance.none();
  }

  private Guidance scale(int denoiser, int stage) {
    return stages.isEmpty() ? denoisers.get(denoiser) : stages.get(stages.size() - stage);
  }

  private boolean isWithin(int stage, double sigma) {
    if (interval.isEmpty()) {
      return true;
    }
    List<List<Double>> pairs = interval.get().lists();
    List<Double> pair = pairs.get(pairs.size() == 1 ? 0 : pairs.size() - stage);
    return !pair.isEmpty() && sigma <= pair.get(0) && sigma > pair.get(1);
  }

  /** Whether the negative prompt takes part anywhere. */
  public boolean needsUnconditional() {
    return (stages.isEmpty() ? denoisers : stages).stream().anyMatch(Guidance::needsUnconditional);
  }

  /** Whether a denoiser asks for unconditional predictions anywhere. */
  public boolean needsUnconditional(int denoiser) {
    return stages.isEmpty() ? denoisers.get(denoiser).needsUnconditional() : needsUnconditional();
  }

  /** Whether all predictions of a denoiser are guided, or none. */
  public boolean isSame() {
    return interval.isEmpty()
        && stages.stream().map(Guidance::needsUnconditional).distinct().count() <= 1;
  }
}
