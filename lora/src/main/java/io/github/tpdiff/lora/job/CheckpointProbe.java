package io.github.tpdiff.lora.job;

import io.github.tpdiff.lora.data.TrainingSet;
import io.github.tpdiff.lora.train.PhasedClips;
import io.github.tpdiff.lora.train.PhasedDiffusion;
import io.github.tpdiff.lora.train.StageProbe;
import io.github.tpdiff.lora.train.TrainingTarget;
import io.github.tpdiff.runtime.diffusion.NoiseSchedule;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.model.Flow;
import io.github.tpdiff.runtime.model.VideoModel;
import java.util.Optional;

/** The probe of a checkpoint that no job trains yet. */
public final class CheckpointProbe {
  private CheckpointProbe() {}

  /**
   * Every denoiser of a model in the stages at its own times, all times alike.
   *
   * @param clips to look at
   */
  public static StageProbe of(
      VideoModel model, StageConfig stages, NoiseSchedule schedule, TrainingSet clips) {
    Flow flow = model.description().flow();
    return new StageProbe(
        flow.denoisers().stream()
            .map(
                expert ->
                    new StageProbe.Asked(
                        TrainingTarget.network(model, expert.component()),
                        new PhasedClips(
                            clips,
                            PhasedDiffusion.of(stages, schedule)
                                .at(TrainedDenoiser.times(flow, expert.component(), schedule)),
                            Optional.of(expert.component()))))
            .toList(),
        0);
  }
}
