package io.github.tpdiff.runtime.diffusion;

import static com.google.common.base.Preconditions.checkArgument;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Leaves out the network in steps whose prediction a calibration says to be near the last computed
 * one, which then stands for it: MagCache (Ma et al. 2025, arXiv 2506.09045) on predictions.
 *
 * <p>The paper keeps the residual of all transformer blocks, of which the direction hardly changes,
 * so that {@code |1 − Π ratio|} is the error of a reuse. A network here is one program or graph, of
 * which the prediction alone is seen, whose norm says little of it: that of ε does not change at
 * all. So the error of a reuse is the sum of the calibrated relative changes since the last
 * computed prediction, which bounds it for the calibrated run by the triangle inequality. Otherwise
 * as the paper has it: errors of reuses in a row add up and must stay below a threshold, so many in
 * a row are allowed, and none in the first steps. Each branch of guidance decides by itself.
 *
 * <p>Stages differ in size and noise, so each has its own calibration; its first prediction is
 * always computed, and so is a branch that was not calibrated.
 */
public final class MagCache implements PredictionReuse {
  private final MagCalibration calibration;
  private final Limits limits;
  private final List<Skipped> skipped = new ArrayList<>();

  /**
   * When a prediction may be left out.
   *
   * @param threshold on the added errors of reuses in a row
   * @param mostInARow K of the paper
   * @param retention the share of all steps, the first ones, in which none is left out
   */
  public record Limits(double threshold, int mostInARow, double retention) {
    /**
     * @throws IllegalArgumentException if a value is out of range
     */
    public Limits {
      checkArgument(
          threshold >= 0 && threshold <= 10,
          "magcache.threshold: expected from 0 to 10, found %s",
          threshold);
      checkArgument(
          mostInARow >= 1 && mostInARow <= 100,
          "magcache.most_in_a_row: expected from 1 to 100, found %s",
          mostInARow);
      checkArgument(
          retention >= 0 && retention <= 1,
          "magcache.retention: expected from 0 to 1, found %s",
          retention);
    }

    /** What is used where nothing is said. */
    public static Limits usual() {
      return new Limits(0.15, 3, 0.2);
    }
  }

  /**
   * A prediction that was left out.
   *
   * @param stage number of the stage
   * @param step of the stage, from 1
   * @param branch {@link PredictionReuse.OfStage#CONDITIONAL} or the other
   */
  public record Skipped(int stage, int step, int branch) {}

  /** A cache for one run. */
  public MagCache(MagCalibration calibration, Limits limits) {
    this.calibration = calibration;
    this.limits = limits;
  }

  /** What was left out so far, in order. */
  public List<Skipped> skipped() {
    return List.copyOf(skipped);
  }

  @Override
  public OfStage in(Stage stage, List<SamplerStep> steps) {
    List<MagCalibration.OfStage> all = calibration.stages();
    int index = all.size() - stage.number();
    int before = all.subList(0, index).stream().mapToInt(own -> own.timesteps().size()).sum();
    int first = (int) Math.ceil(limits.retention() * calibration.steps()) - before;
    List<Branch> branches = List.of(new Branch(), new Branch());
    return (step, branch, network) -> {
      Branch own = branches.get(branch);
      if (step >= first && own.reuses(step, all.get(index).branch(branch))) {
        skipped.add(new Skipped(stage.number(), step + 1, branch));
        return own.last();
      }
      return own.keep(step, network.get());
    };
  }

  /** One branch in one stage. */
  private final class Branch {
    private final List<Latents> computed = new ArrayList<>(1);
    private int at;
    private double error;

    boolean reuses(int step, Optional<MagCalibration.Branch> calibrated) {
      if (computed.isEmpty() || calibrated.isEmpty() || step - at > limits.mostInARow()) {
        return false;
      }
      List<Double> changes = calibrated.get().changes().subList(at, step);
      error += changes.stream().mapToDouble(Double::doubleValue).sum();
      return error < limits.threshold();
    }

    Latents last() {
      return computed.get(0);
    }

    Latents keep(int step, Latents prediction) {
      computed.clear();
      computed.add(prediction);
      at = step;
      error = 0;
      return prediction;
    }
  }
}
