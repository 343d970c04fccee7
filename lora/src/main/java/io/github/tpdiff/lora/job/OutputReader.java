package io.github.tpdiff.lora.job;

import io.github.tpdiff.lora.job.TrainingJob.About;
import io.github.tpdiff.lora.job.TrainingJob.Output;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.lora.LoraFormat;
import java.nio.file.Path;
import java.util.List;

/** Reads the section {@code output} of a job. */
final class OutputReader {
  private OutputReader() {}

  static Output read(JobSection s) {
    return new Output(
        s.resolve(
            s.value(
                "folder",
                JobType.path("a folder"),
                Path.of("output"),
                "For the LoRA, states to resume from, and sample videos.")),
        s.value("save_every", JobType.WHOLE, 100, "Steps from one state to the next."),
        s.value("keep", JobType.WHOLE, 3, "States that are kept, the newest."),
        s.value(
                "dtype",
                JobType.choice(LoraType.class),
                LoraType.F32,
                "Type of the LoRA's numbers.")
            .dtype(),
        s
            .value(
                "formats",
                JobType.list("forms", JobType.choice(LoraForm.class)),
                List.of(LoraForm.DIFFUSERS),
                "Forms of the LoRA, each in a file of its own at every save: diffusers' is"
                    + " always there, `comfyui` and `kohya` lie beside it as"
                    + " `pytorch_lora_weights.FORM.safetensors`.")
            .stream()
            .map(LoraForm::format)
            .toList(),
        about(s));
  }

  private static About about(JobSection s) {
    return new About(
        s.find(
            "title",
            JobType.WORDS,
            "the checkpoint's name and LoRA",
            "What programs that list LoRAs call this one."),
        s.find("author", JobType.WORDS, "nobody", "Who made it, for the same."),
        s.find("description", JobType.WORDS, "none", "What it does, for the same."),
        s.find("license", JobType.WORDS, "none", "Under what terms others may use it."));
  }

  /** Forms that training writes. */
  private enum LoraForm {
    DIFFUSERS(LoraFormat.DIFFUSERS),
    COMFYUI(LoraFormat.COMFYUI),
    KOHYA(LoraFormat.KOHYA);

    private final LoraFormat format;

    LoraForm(LoraFormat format) {
      this.format = format;
    }

    LoraFormat format() {
      return format;
    }
  }

  /** Types that a LoRA file may have. */
  private enum LoraType {
    F32(DType.F32),
    F16(DType.F16),
    BF16(DType.BF16);

    private final DType dtype;

    LoraType(DType dtype) {
      this.dtype = dtype;
    }

    DType dtype() {
      return dtype;
    }
  }
}
