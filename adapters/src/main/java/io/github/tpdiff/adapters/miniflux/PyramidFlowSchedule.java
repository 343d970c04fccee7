package io.github.tpdiff.adapters.miniflux;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.runtime.diffusion.SamplerStep;
import java.util.ArrayList;
import java.util.List;

/**
 * The times of Pyramid-Flow's stages (Jin et al. 2024, section 3.2 and appendix A). Stages are
 * numbered as there: 0 is the coarsest and the first to be sampled; from one to the next, height
 * and width double.
 *
 * <p>A stage that is entered at {@code originalStart} by upsampling starts noisier than that: at
 * {@code start}, where new noise has made the pixels' noise independent again. The network's
 * velocity is measured in a stage's own time, which falls from 1 to 0 in each, and the timestep
 * that the network is told falls from 1000 over all of them, shared out by their lengths.
 *
 * @param trainTimesteps the timestep of the noisiest time, usually 1000
 * @param shift of the times, s·u / (1 + (s − 1)·u); 1 for none
 * @param stageRange where the stages meet, as rising fractions from 0 (noise) to 1
 * @param gamma how strongly the new noise of the pixels of a 2×2 block repels, above 0; there is
 *     such noise for at most 1/3
 */
public record PyramidFlowSchedule(
    int trainTimesteps, double shift, List<Double> stageRange, double gamma) {

  /** What miniFLUX was trained with. */
  public static final PyramidFlowSchedule PUBLISHED =
      new PyramidFlowSchedule(1000, 1, List.of(0.0, 1 / 3.0, 2 / 3.0, 1.0), 1 / 3.0);

  /**
   * @throws IllegalArgumentException if a value is out of range
   */
  public PyramidFlowSchedule {
    checkArgument(trainTimesteps >= 2, "num_train_timesteps: at least 2, found %s", trainTimesteps);
    checkArgument(shift > 0 && Double.isFinite(shift), "shift: must be positive, found %s", shift);
    stageRange = List.copyOf(stageRange);
    checkArgument(
        stageRange.size() >= 2
            && stageRange.get(0) == 0
            && stageRange.get(stageRange.size() - 1) == 1,
        "stage_range: expected fractions from 0 to 1, found %s",
        stageRange);
    for (int i = 1; i < stageRange.size(); i++) {
      checkArgument(
          (int) (stageRange.get(i) * trainTimesteps)
              > (int) (stageRange.get(i - 1) * trainTimesteps),
          "stage_range: expected rising fractions, found %s",
          stageRange);
    }
    checkArgument(gamma > 0 && Double.isFinite(gamma), "gamma: must be positive, found %s", gamma);
  }

  public int stages() {
    return stageRange.size() - 1;
  }

  /** The time at which sampling leaves the stage before, if there is one; else 1. */
  public double originalStart(int stage) {
    return time(boundary(stage));
  }

  /** The time at which a stage starts, after new noise. */
  public double start(int stage) {
    return stage == 0 ? originalStart(0) : 1 - jumpScale(stage) * (1 - originalStart(stage));
  }

  /** The time at which a stage ends; 0 for the last. */
  public double end(int stage) {
    return stage == stages() - 1 ? 0 : time(boundary(stage + 1));
  }

  /** α of {@code α · upsampled + β · noise} on the way into a stage after the first. */
  public double jumpScale(int stage) {
    checkArgument(
        stage >= 1 && stage < stages(), "stage: from 1 to %s, found %s", stages() - 1, stage);
    double signal = 1 - originalStart(stage);
    return 1 / (Math.sqrt(1 + 1 / gamma) * (1 - signal) + signal);
  }

  /** β of the same; the noise of each 2×2 block has covariance {@code (1 + γ) I − γ 11ᵀ}. */
  public double jumpNoise(int stage) {
    return jumpScale(stage) * originalStart(stage) / Math.sqrt(gamma);
  }

  /** The share of the way that lies before a stage, of the lengths of all. */
  public double ratioBefore(int stage) {
    double before = 0;
    double all = 0;
    for (int s = 0; s < stages(); s++) {
      double length = start(s) - end(s);
      before += s < stage ? length : 0;
      all += length;
    }
    return before / all;
  }

  /** The timestep of a point of a stage, from 1 at its start to 0 at its end. */
  public double timestep(int stage, double point) {
    double first = timestepAt(ratioBefore(stage));
    double last =
        stage == stages() - 1 ? timestepOf(trainTimesteps - 1) : timestepAt(ratioBefore(stage + 1));
    return last + point * (first - last);
  }

  /** The points of a stage that training draws from: 1, … 1 / trainTimesteps. */
  public double[] trainPoints() {
    var points = new double[trainTimesteps];
    for (int i = 0; i < trainTimesteps; i++) {
      points[i] = (double) (trainTimesteps - i) / trainTimesteps;
    }
    return points;
  }

  /** The steps of a stage in its own time, for Euler's method. */
  public List<SamplerStep> steps(int stage, int count) {
    checkArgument(count >= 1, "steps: at least 1 in each stage, found %s", count);
    var steps = new ArrayList<SamplerStep>();
    for (int i = 0; i < count; i++) {
      double point = point(i, count);
      double next = i == count - 1 ? 0 : point(i + 1, count);
      steps.add(new SamplerStep(point, next, timestep(stage, point)));
    }
    return List.copyOf(steps);
  }

  /** Equally spaced from 1 to the last point of training. */
  private double point(int index, int count) {
    double way = count == 1 ? 0 : index / (count - 1.0);
    return 1 - way * (1 - 1.0 / trainTimesteps);
  }

  /** Upstream cuts fractions to rows of a table of times. */
  private int boundary(int stage) {
    return (int) (stageRange.get(stage) * trainTimesteps);
  }

  private double timestepAt(double ratio) {
    return timestepOf((int) (ratio * trainTimesteps));
  }

  private double timestepOf(int row) {
    return trainTimesteps * time(row);
  }

  private double time(int row) {
    double fraction = (double) (trainTimesteps - row) / trainTimesteps;
    return shift * fraction / (1 + (shift - 1) * fraction);
  }
}
