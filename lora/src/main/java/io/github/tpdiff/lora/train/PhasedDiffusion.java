package io.github.tpdiff.lora.train;

import static com.google.common.base.Preconditions.checkArgument;

import com.google.common.hash.Hashing;
import io.github.tpdiff.runtime.diffusion.Alignment;
import io.github.tpdiff.runtime.diffusion.LossWeighting;
import io.github.tpdiff.runtime.diffusion.NoiseSchedule;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.diffusion.StagePlan;
import io.github.tpdiff.runtime.diffusion.StageWeights;
import io.github.tpdiff.runtime.diffusion.TimestepSampling;
import java.nio.charset.StandardCharsets;

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
 */
public record PhasedDiffusion(
    StageConfig stages,
    NoiseSchedule schedule,
    StageWeights weights,
    TimestepSampling timesteps,
    Alignment alignment,
    LossWeighting lossWeighting) {
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
        LossWeighting.uniform());
  }

  /** The same with another alignment. */
  public PhasedDiffusion withAlignment(Alignment other) {
    return new PhasedDiffusion(stages, schedule, weights, timesteps, other, lossWeighting);
  }

  /** The same with other weights of examples. */
  public PhasedDiffusion withLossWeighting(LossWeighting other) {
    return new PhasedDiffusion(stages, schedule, weights, timesteps, alignment, other);
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

  /** The stages of clips with so many latent frames. */
  public StagePlan plan(int frames) {
    return StagePlan.of(stages, schedule, frames);
  }
}
