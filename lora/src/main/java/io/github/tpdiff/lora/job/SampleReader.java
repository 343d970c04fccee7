package io.github.tpdiff.lora.job;

import io.github.tpdiff.lora.job.TrainingJob.Sample;
import java.util.List;

/** Reads the section {@code sample} of a job. */
final class SampleReader {
  /** What says how videos are made, and not of what. */
  private static final List<String> OF_VIDEOS =
      List.of("every", "first", "size", "steps", "guidance", "seed", "pictures");

  private SampleReader() {}

  static Sample read(JobSection s) {
    if (!s.has("prompts") && !s.has("file")) {
      OF_VIDEOS.stream()
          .filter(s::has)
          .findFirst()
          .ifPresent(
              key -> {
                throw new IllegalArgumentException(
                    "sample.prompts: expected what to show, found none beside sample.%s; add them, a"
                            .formatted(key)
                        + " sample.file, or leave it out");
              });
    }
    return new Sample(
        s.find("prompts", JobType.filled("texts", JobType.TEXT), "no videos", "A video of each.")
            .orElse(List.of()),
        s.find(
                "file",
                JobType.path("a .txt"),
                "none",
                "A video of each line too: a prompt, and behind it what is said for it alone, `--w"
                    + " 832 --h 480 --f 81` its size, `--d` seed, `--s` steps, `--n` negative"
                    + " prompt, `--l` guidance, `--i` picture (of the file's folder). Lines that"
                    + " begin with `#` say nothing.")
            .map(s::resolve),
        s.value("every", JobType.WHOLE, 100, "Steps from one set of videos to the next."),
        s.value(
            "first",
            JobType.FLAG,
            false,
            "Makes a set before the first step too, of the checkpoint as it is."),
        s.find("size", DataReader.SIZE, "the first of data.sizes", "Of the videos."),
        s.find(
            "steps",
            JobType.WHOLE,
            TrainingJobReader.CHECKPOINTS_OWN,
            "Of the sampler, all stages together."),
        s.find(
            "guidance",
            JobType.NUMBER,
            TrainingJobReader.CHECKPOINTS_OWN,
            "Guidance scale; 1 is none."),
        s.value("seed", JobType.LONG, 0L, "Of the first video's noise."),
        s.find(
            "pictures",
            JobType.FLAG,
            "true where the model makes no video without a picture",
            "Shows each video the picture of a clip of its size, of the clips that are held out"
                + " first."));
  }
}
