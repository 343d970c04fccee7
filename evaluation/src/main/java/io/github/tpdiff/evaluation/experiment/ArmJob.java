package io.github.tpdiff.evaluation.experiment;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.lora.job.TrainingJob;
import io.github.tpdiff.lora.optim.LearningRate.Decay;
import io.github.tpdiff.weights.AtomicFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The job of an arm: the sections of the plan, and what the experiment decides. Its steps grow from
 * point to point, and each time the trainer goes on from the last state.
 *
 * @param sections of the job file
 */
record ArmJob(Map<String, Object> sections) {
  /** What is done at the end of a run alone: the trainer does at its last step whatever is due. */
  private static final int AT_THE_END = 1_000_000_000;

  /** Keys that are the experiment's to say. */
  private static final List<String> DECIDED =
      List.of(
          "model.path",
          "data.path",
          "data.sets",
          "data.cache",
          "train.seed",
          "train.steps",
          "train.validate_every",
          "output.folder");

  ArmJob {
    sections = copy(sections);
  }

  /**
   * Of an arm, as its plan says.
   *
   * @throws IllegalArgumentException if it says what is the experiment's to say
   */
  static ArmJob of(Plan plan, String arm) {
    requireOpen("base", plan.base());
    requireOpen("arms." + arm + ".job", plan.required(arm).job());
    return new ArmJob(merged(plan.base(), plan.required(arm).job()));
  }

  private static void requireOpen(String place, Map<String, Object> sections) {
    for (String key : DECIDED) {
      String section = key.substring(0, key.indexOf('.'));
      String name = key.substring(key.indexOf('.') + 1);
      checkArgument(
          !(sections.get(section) instanceof Map<?, ?> keys && keys.containsKey(name)),
          "%s.%s: the experiment says it; leave it out",
          place,
          key);
    }
    checkArgument(
        !sections.containsKey("sample"),
        "%s.sample: the plan's section 'quality' says it; leave it out",
        place);
  }

  /**
   * Both, the second's keys above the first's; a key without a value takes the first's away, or
   * stays without one for a map below to lose its own.
   */
  static Map<String, Object> merged(Map<?, ?> below, Map<?, ?> above) {
    var all = new LinkedHashMap<String, Object>();
    below.forEach((key, value) -> all.put(String.valueOf(key), value));
    above.forEach(
        (key, value) -> {
          Object before = all.get(String.valueOf(key));
          if (value == null && before != null) {
            all.remove(String.valueOf(key));
          } else if (value instanceof Map<?, ?> more && before instanceof Map<?, ?> some) {
            all.put(String.valueOf(key), merged(some, more));
          } else {
            all.put(String.valueOf(key), value);
          }
        });
    return all;
  }

  private static Map<String, Object> copy(Map<?, ?> keys) {
    var copy = new LinkedHashMap<String, Object>();
    keys.forEach((key, value) -> put(copy, String.valueOf(key), value));
    return copy;
  }

  private static void put(Map<String, Object> all, String key, @Nullable Object value) {
    if (value != null) {
      // Numbers as texts, as plans have them: a job's reader wants no tags.
      all.put(
          key,
          value instanceof Map<?, ?> keys
              ? copy(keys)
              : value instanceof Number number ? number.toString() : value);
    }
  }

  /** The same with a key in place of what it says. */
  ArmJob with(String key, Object value) {
    String section = key.substring(0, key.indexOf('.'));
    Map<String, Object> all = copy(sections);
    Map<String, Object> own =
        all.get(section) instanceof Map<?, ?> keys ? copy(keys) : new LinkedHashMap<>();
    put(own, key.substring(key.indexOf('.') + 1), value);
    all.put(section, own);
    return new ArmJob(all);
  }

  /** The same without a section. */
  ArmJob without(String section) {
    Map<String, Object> all = copy(sections);
    all.remove(section);
    return new ArmJob(all);
  }

  /** The same where things lie. */
  ArmJob at(Path checkpoint, Path data, Path cache, Path output) {
    return with("model.path", checkpoint.toString())
        .with("data.path", data.toString())
        .with("data.cache", cache.toString())
        .with("output.folder", output.toString());
  }

  /** The same to a step, judged and with a state there. */
  ArmJob to(int steps, int seed) {
    return with("train.steps", steps)
        .with("train.seed", seed)
        .with("train.validate_every", AT_THE_END);
  }

  /** The same with clips generated at the last step. */
  ArmJob generating(Path prompts, Plan.Quality quality) {
    return with("sample.file", prompts.toString())
        .with("sample.every", AT_THE_END)
        .with("sample.steps", quality.steps())
        .with("sample.guidance", quality.guidance());
  }

  /**
   * Writes it and reads it as the trainer does.
   *
   * @throws io.github.tpdiff.weights.CheckpointException if no job says such, naming the key
   * @throws IllegalArgumentException if its rate depends on how many steps there are
   */
  TrainingJob write(Path file) {
    AtomicFile.write(file, PlanFile.yaml().dump(sections).getBytes(StandardCharsets.UTF_8));
    TrainingJob job = TrainingJob.read(file);
    checkArgument(
        job.train().settings().descent().learningRate().decay() == Decay.CONSTANT,
        "%s: train.decay: expected constant, for a point must not depend on those after it",
        file);
    return job;
  }
}
