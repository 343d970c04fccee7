package io.github.tpdiff.lora.train;

import static com.google.common.base.Preconditions.checkArgument;

import com.google.common.hash.Hashing;
import io.github.tpdiff.runtime.diffusion.Alignment;
import io.github.tpdiff.runtime.diffusion.LatentGrid;
import io.github.tpdiff.runtime.diffusion.LossWeighting;
import io.github.tpdiff.runtime.diffusion.NoiseSchedule;
import io.github.tpdiff.runtime.diffusion.Stage;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.diffusion.StagePlan;
import io.github.tpdiff.runtime.diffusion.StageWeights;
import io.github.tpdiff.runtime.diffusion.TimeRange;
import io.github.tpdiff.runtime.diffusion.TimestepSampling;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.DoubleSupplier;

/**
 * What is trained: the stages, and how often each stage and time is visited. One stage is vanilla
 * training.
 *
 * @param stages the pyramid
 * @param schedule the checkpoint's own
 * @param weights how often each stage is visited
 * @param timesteps how often each time is
 * @param alignment which noise each clip gets
 * @param lossWeighting how much each example counts
 * @param times that are visited at all
 */
public record PhasedDiffusion(
    StageConfig stages,
    NoiseSchedule schedule,
    StageWeights weights,
    TimestepSampling timesteps,
    Alignment alignment,
    LossWeighting lossWeighting,
    TimeRange times) {
  /**
   * @throws IllegalArgumentException if there is not one weight a stage
   */
  public PhasedDiffusion {
    checkArgument(
        weights.weights().size() == stages.stages(),
        "stages.weights: expected %s values, one a stage, found %s",
        stages.stages(),
        weights.weights());
  }

  /** Plain diffusion training, all times alike. */
  public static PhasedDiffusion vanilla(NoiseSchedule schedule) {
    return of(StageConfig.vanilla(), schedule);
  }

  /** All stages, times and errors alike, no alignment. */
  public static PhasedDiffusion of(StageConfig stages, NoiseSchedule schedule) {
    return new PhasedDiffusion(
        stages,
        schedule,
        StageWeights.uniform(stages.stages()),
        TimestepSampling.uniform(),
        Alignment.none(),
        LossWeighting.uniform(),
        TimeRange.all());
  }

  /** The same with as many stages otherwise. */
  public PhasedDiffusion withStages(StageConfig others) {
    return new PhasedDiffusion(
        others, schedule, weights, timesteps, alignment, lossWeighting, times);
  }

  /** The same with stages visited in other shares. */
  public PhasedDiffusion withWeights(StageWeights others) {
    return new PhasedDiffusion(
        stages, schedule, others, timesteps, alignment, lossWeighting, times);
  }

  /** The same with another alignment. */
  public PhasedDiffusion withAlignment(Alignment other) {
    return new PhasedDiffusion(stages, schedule, weights, timesteps, other, lossWeighting, times);
  }

  /** The same with other weights of examples. */
  public PhasedDiffusion withLossWeighting(LossWeighting other) {
    return new PhasedDiffusion(stages, schedule, weights, timesteps, alignment, other, times);
  }

  /** Changes when the schedule does: a hash of its times and the noise there. */
  String scheduleFingerprint() {
    var text = new StringBuilder();
    for (int i = 1; i < 16; i++) {
      double time = schedule.time(i / 16.0);
      text.append(time).append(' ').append(schedule.form().tau(time)).append(' ');
      text.append(schedule.timestep(time)).append('\n');
    }
    return Hashing.sha256().hashString(text, StandardCharsets.UTF_8).toString();
  }

  /** The same at some times only: those at which one of several denoisers is asked. */
  public PhasedDiffusion at(TimeRange others) {
    return new PhasedDiffusion(
        stages, schedule, weights, timesteps, alignment, lossWeighting, others);
  }

  /** The stages of a plan that have times which are visited. */
  public List<Stage> visited(StagePlan plan) {
    return plan.stages().stream().filter(stage -> times.within(stage).isPresent()).toList();
  }

  /** The share of the steps that visit each stage of a plan, by its number; of those visited. */
  public Map<Integer, Double> shares(StagePlan plan) {
    List<Stage> visited = visited(plan);
    List<Double> own =
        weights.among(plan.stages().stream().map(visited::contains).toList()).weights();
    double all = own.stream().mapToDouble(Double::doubleValue).sum();
    var shares = new LinkedHashMap<Integer, Double>();
    for (int i = 0; i < own.size(); i++) {
      if (visited.contains(plan.stages().get(i))) {
        shares.put(plan.stages().get(i).number(), own.get(i) / all);
      }
    }
    return shares;
  }

  /**
   * A stage that has times which are visited.
   *
   * @param random uniform in [0, 1); asked once
   */
  Stage drawStage(StagePlan plan, DoubleSupplier random) {
    return weights
        .among(plan.stages().stream().map(s -> times.within(s).isPresent()).toList())
        .draw(plan, random);
  }

  /**
   * A visited time of a stage.
   *
   * @param random uniform in [0, 1)
   */
  double drawTime(Stage stage, DoubleSupplier random) {
    return timesteps.draw(times.within(stage).orElse(stage), schedule.form(), random);
  }

  /** The stages of clips whose full-rate latents have a grid. */
  public StagePlan plan(LatentGrid grid) {
    return StagePlan.of(stages, schedule, grid);
  }
}
