package io.github.tpdiff.evaluation.experiment;

import com.fasterxml.jackson.core.JsonProcessingException;
import io.github.tpdiff.weights.AtomicFile;
import io.github.tpdiff.weights.CheckpointException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;

/**
 * Where an experiment keeps everything. Each result is a file that is written beside and renamed:
 * what is there is whole, and what is not there is still to be done.
 *
 * @param root absolute
 */
record ExperimentFolder(Path root) {
  ExperimentFolder {
    root = root.toAbsolutePath().normalize();
  }

  Path shapes() {
    return root.resolve("shapes");
  }

  /** Clips that are drawn for the training of a start alone. */
  Path shapes(String start) {
    return root.resolve("start-shapes").resolve(start);
  }

  Path start(String name) {
    return root.resolve("starts").resolve(name);
  }

  /** Encoded clips; those of one checkpoint are of no use to another. */
  Path cache(String start) {
    return root.resolve("cache").resolve(start);
  }

  Path prompts() {
    return root.resolve("prompts.txt");
  }

  private Path arm(String arm) {
    return root.resolve("arms").resolve(arm);
  }

  /** What an arm was when it was trained. */
  Path armPlan(String arm) {
    return arm(arm).resolve("arm.json");
  }

  /** How long a video took in a round. */
  Path timed(String arm, int round) {
    return arm(arm).resolve(String.format(Locale.ROOT, "speed-%02d.json", round));
  }

  Path seed(String arm, int seed) {
    return arm(arm).resolve("seed-" + seed);
  }

  Path job(String arm, int seed) {
    return seed(arm, seed).resolve("job.yaml");
  }

  /** What was seen of the training up to a point. */
  Path trained(String arm, int seed, int point) {
    return seed(arm, seed).resolve(String.format(Locale.ROOT, "trained-%02d.json", point));
  }

  /** The result at a point. */
  Path point(String arm, int seed, int point) {
    return seed(arm, seed).resolve(String.format(Locale.ROOT, "point-%02d.json", point));
  }

  Path reportJson() {
    return root.resolve("report.json");
  }

  Path reportPage() {
    return root.resolve("report.html");
  }

  static void write(Path file, Object value) {
    AtomicFile.write(file, json(value).getBytes(StandardCharsets.UTF_8));
  }

  static String json(Object value) {
    try {
      return PlanFile.JSON.writerWithDefaultPrettyPrinter().writeValueAsString(value) + "\n";
    } catch (JsonProcessingException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  /**
   * What a file holds; empty if it is not there.
   *
   * @throws CheckpointException if it holds something else
   */
  static <T> Optional<T> find(Path file, Class<T> type) {
    try {
      return Optional.of(PlanFile.JSON.readValue(Files.readAllBytes(file), type));
    } catch (NoSuchFileException none) {
      return Optional.empty();
    } catch (JsonProcessingException other) {
      throw new CheckpointException(
          "%s: expected what an experiment writes: %s; delete it to have it made again"
              .formatted(file, other.getOriginalMessage()),
          other);
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }
}
