package io.github.tpdiff.runtime.diffusion;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Computes every prediction, and measures how it differs from the one before. */
public final class MagRecorder implements PredictionReuse {
  private final List<Entered> stages = new ArrayList<>();

  /** What was measured in a stage, of each branch that was asked in every step. */
  private record Entered(int stage, List<Double> timesteps, List<Measured> branches) {
    Optional<MagCalibration.Branch> branch(int index) {
      Measured own = branches.get(index);
      return own.count == timesteps.size()
          ? Optional.of(new MagCalibration.Branch(own.ratios, own.changes))
          : Optional.empty();
    }
  }

  private static final class Measured {
    private final List<Double> ratios = new ArrayList<>();
    private final List<Double> changes = new ArrayList<>();
    private Optional<Latents> last = Optional.empty();
    private int count;

    private Latents note(Latents now) {
      if (last.isPresent()) {
        double norm = Math.sqrt(last.get().dot(last.get()));
        Latents change = now.plus(-1, last.get());
        ratios.add(Math.sqrt(now.dot(now)) / norm);
        changes.add(Math.sqrt(change.dot(change)) / norm);
      }
      last = Optional.of(now);
      count++;
      return now;
    }
  }

  @Override
  public OfStage in(Stage stage, List<SamplerStep> steps) {
    var entered =
        new Entered(
            stage.number(),
            steps.stream().map(SamplerStep::timestep).toList(),
            List.of(new Measured(), new Measured()));
    stages.add(entered);
    return (step, branch, network) -> entered.branches().get(branch).note(network.get());
  }

  /**
   * What was measured, after a whole run.
   *
   * @param family of the model
   * @param sampler of the run
   */
  public MagCalibration calibration(String family, Sampler sampler) {
    return new MagCalibration(
        family,
        Samplers.nameOf(sampler),
        stages.stream()
            .map(
                own ->
                    new MagCalibration.OfStage(
                        own.stage(),
                        own.timesteps(),
                        own.branch(OfStage.CONDITIONAL).orElseThrow(),
                        own.branch(OfStage.UNCONDITIONAL)))
            .toList());
  }
}
