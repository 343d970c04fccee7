package io.github.tpdiff.lora.job;

import io.github.tpdiff.weights.AtomicFile;
import io.github.tpdiff.weights.CheckpointException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * What the files of a job said when it was resolved: they may be edited while it runs.
 *
 * @param written the job itself
 * @param samples the videos that it makes on the way, those of {@code sample.prompts} first
 */
public record JobFiles(String written, List<SamplePrompt> samples) {
  public JobFiles {
    samples = List.copyOf(samples);
  }

  static JobFiles read(TrainingJob job) {
    var samples = new ArrayList<SamplePrompt>();
    job.sample().prompts().forEach(prompt -> samples.add(SamplePrompt.ofKey(prompt)));
    job.sample().file().ifPresent(file -> samples.addAll(prompts(job, file)));
    try {
      return new JobFiles(Files.readString(job.file()), samples);
    } catch (IOException failure) {
      throw new CheckpointException(
          "%s: cannot be read: %s".formatted(job.file(), AtomicFile.reason(failure)), failure);
    }
  }

  private static List<SamplePrompt> prompts(TrainingJob job, Path file) {
    if (!Files.exists(file)) {
      throw new CheckpointException(
          "%s: sample.file: expected a text of prompts, found nothing at %s"
              .formatted(job.file(), file));
    }
    return new PromptFile(file).read();
  }
}
