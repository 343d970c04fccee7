package io.github.tpdiff.lora.job;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.lora.job.TrainingJob.Timesteps;
import io.github.tpdiff.lora.job.TrainingJob.Train;
import io.github.tpdiff.lora.train.FrozenForm;
import io.github.tpdiff.lora.train.TrainingSettings;
import io.github.tpdiff.lora.train.TrainingSettings.Batches;
import io.github.tpdiff.lora.train.TrainingSettings.Dropout;
import io.github.tpdiff.runtime.engine.Activations;
import io.github.tpdiff.runtime.engine.Loss;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;

/** Reads the section {@code train} of a job; see {@link TrainingJobReader}. */
final class TrainReader {
  private static final JobType<Activations> CHECKPOINTING =
      autoOrFlag(List.of(Activations.AUTO, Activations.RECOMPUTED, Activations.KEPT));
  private static final JobType<Offload> OFFLOAD =
      autoOrFlag(List.of(Offload.AUTO, Offload.ALWAYS, Offload.NEVER));

  private TrainReader() {}

  /**
   * @param meanings of auto, true and false
   */
  private static <T> JobType<T> autoOrFlag(List<T> meanings) {
    List<String> words = List.of("auto", "true", "false");
    return JobType.scalar(
        "auto, true or false",
        text -> {
          int word = words.indexOf(text.toLowerCase(Locale.ROOT));
          checkArgument(word >= 0, "%s", text);
          return meanings.get(word);
        },
        own -> words.get(meanings.indexOf(own)));
  }

  /** As a job says it. */
  static Object checkpointing(Activations activations) {
    return asSaid(CHECKPOINTING.writer().apply(activations));
  }

  /** As a job says it. */
  static Object offload(Offload offload) {
    return asSaid(OFFLOAD.writer().apply(offload));
  }

  private static Object asSaid(String word) {
    return word.equals("auto") ? word : Boolean.valueOf(word);
  }

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
                "Batches whose mean gradient makes a step."),
            s.value(
                "batches_at_once",
                JobType.WHOLE,
                1,
                "Batches of a step that follow one another and are of one stage, so that as many"
                    + " machines that make one each take equally long (docs/spark.md);"
                    + " gradient_accumulation is a multiple of it. One machine makes them one after"
                    + " the other, and comes to the same."));
    var settings =
        new TrainingSettings(
            seed,
            steps,
            batches,
            OptimizerReader.read(s, steps),
            dropout(s),
            s.value(
                "gradient_checkpointing",
                CHECKPOINTING,
                Activations.AUTO,
                "Whether the backward pass makes again what products gave in the forward pass, in"
                    + " place of keeping it: auto keeps it of as many parts as half of the free memory"
                    + " takes, and comes to the same bits."),
            new Loss(
                JobType.optionalDouble(
                    s.find(
                        "pseudo_huber",
                        JobType.NUMBER,
                        "the squared error",
                        "c of the loss 2c (sqrt(e^2 + c^2) - c), to which large errors count less;"
                            + " above 0. Validation measures the squared error all the same."))));
    return new Train(
        settings,
        s.find(
                "weights",
                LoraReader.PATTERNS,
                "none: a LoRA is trained",
                "Tensors that are trained in full instead of a LoRA, such as"
                    + " `[\"**.motion_modules.**\"]`; without a section `lora`.")
            .orElse(List.of()),
        s.value(
            "frozen",
            JobType.choice(FrozenForm.class),
            FrozenForm.STORED,
            "In which numbers the frozen weights of linear layers and convolutions are held: as the"
                + " checkpoint has them, or rounded to bf16, or to fp8 (E4M3, one scale a tensor)."
                + " Products are computed in the engine's numbers all the same."),
        s.value(
            "offload",
            OFFLOAD,
            Offload.AUTO,
            "Whether frozen weights stay in the host's memory and come to the device part by part of"
                + " the network, each while the part before it computes, and the values between parts"
                + " wait on the host for the backward pass. auto does it where a GPU's free memory is"
                + " less than all would need and a quarter more; --dry-run says how much that is."
                + " Comes to the same bits. Has not been tried on a GPU yet."),
        JobType.optionalDouble(
            s.find(
                "picture_dropout",
                JobType.NUMBER,
                "0.5 where the model makes videos without a picture too, else 0",
                "Share of clips that are shown without their picture, so that the model goes on"
                    + " making videos of text alone; from 0 to 1.")),
        s.find(
            "timesteps",
            JobType.choice(Timesteps.class),
            "logit_normal for flow matching, uniform for DDIM",
            "How training times are spread."),
        JobType.optionalDouble(
            s.find(
                "timestep_shift",
                JobType.NUMBER,
                "3 for flow matching, 1 for DDIM",
                "Moves training times towards noise: t = s u / (1 + (s - 1) u); above 0.")),
        timestep(s, "min_timestep", "The least timestep that is trained", "0"),
        timestep(s, "max_timestep", "The greatest", "the checkpoint's greatest"),
        s.value(
            "validate_every",
            JobType.WHOLE,
            100,
            "Steps between measurements on the videos held out."));
  }

  private static OptionalDouble timestep(JobSection s, String key, String what, String usual) {
    return JobType.optionalDouble(
        s.find(
            key,
            JobType.NUMBER,
            usual,
            what
                + ", on the checkpoint's own scale, which mostly ends at 1000; stages that lie"
                + " outside are left out."));
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
