package io.github.tpdiff.lora.job;

import io.github.tpdiff.lora.job.TrainingJob.Timesteps;
import io.github.tpdiff.lora.job.TrainingJob.Train;
import io.github.tpdiff.lora.train.TrainingSettings;
import io.github.tpdiff.lora.train.TrainingSettings.Batches;
import io.github.tpdiff.lora.train.TrainingSettings.Dropout;
import io.github.tpdiff.runtime.engine.Activations;
import java.util.List;
import java.util.OptionalDouble;

/** Reads the section {@code train} of a job; see {@link TrainingJobReader}. */
final class TrainReader {
  private TrainReader() {}

  static Train read(JobSection s) {
    long seed = s.value("seed", JobType.LONG, 0L, "Of everything that is random.");
    int steps = s.value("steps", JobType.WHOLE, 1000, "Optimizer steps.");
    var batches =
        new Batches(
            s.value("batch_size", JobType.WHOLE, 1, "Clips that go through the network together."),
            s.value(
                "gradient_accumulation",
                JobType.WHOLE,
                1,
                "Batches whose mean gradient makes a step."));
    boolean checkpointing =
        s.value(
            "gradient_checkpointing",
            JobType.FLAG,
            true,
            "Runs each part of the forward pass twice instead of keeping its activations: less"
                + " memory, 4/3 of the work.");
    var settings =
        new TrainingSettings(
            seed,
            steps,
            batches,
            OptimizerReader.read(s, steps),
            dropout(s),
            checkpointing ? Activations.RECOMPUTED : Activations.KEPT);
    return new Train(
        settings,
        s.find(
                "weights",
                LoraReader.PATTERNS,
                "none: a LoRA is trained",
                "Tensors that are trained in full instead of a LoRA, such as"
                    + " `[\"**.motion_modules.**\"]`; without a section `lora`.")
            .orElse(List.of()),
        s.find(
                "picture_dropout",
                JobType.NUMBER,
                "0.5 where the model makes videos without a picture too, else 0",
                "Share of clips that are shown without their picture, so that the model goes on"
                    + " making videos of text alone; from 0 to 1.")
            .map(OptionalDouble::of)
            .orElse(OptionalDouble.empty()),
        s.find(
            "timesteps",
            JobType.choice(Timesteps.class),
            "logit_normal for flow matching, uniform for DDIM",
            "How training times are spread."),
        s.find(
                "timestep_shift",
                JobType.NUMBER,
                "3 for flow matching, 1 for DDIM",
                "Moves training times towards noise: t = s u / (1 + (s - 1) u); above 0.")
            .map(OptionalDouble::of)
            .orElse(OptionalDouble.empty()),
        s.value(
            "validate_every",
            JobType.WHOLE,
            100,
            "Steps between measurements on the videos held out."));
  }

  /** How often pictures are dropped is decided with the checkpoint, see {@link JobPictures}. */
  private static Dropout dropout(JobSection s) {
    return Dropout.ofCaptions(
        s.value(
            "caption_dropout",
            JobType.NUMBER,
            0.1,
            "Share of captions that are replaced by the negative prompt, for guidance; from 0 to"
                + " 1."));
  }
}
