package io.github.tpdiff.lora.train;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What a run still takes, from what it took so far.
 *
 * <p>Stages cost differently, and the last few steps may all have been of one: the seconds of a
 * step are expected over the shares in which stages are visited, of each stage's running mean. The
 * first step of a stage also makes its programs, so it counts only until there is a second. What is
 * due between steps is counted exactly, and takes what it took on average.
 */
final class TimeLeft {
  /** What is due every so many steps and after the last. */
  enum Task {
    VALIDATION,
    SAMPLES,
    STATES
  }

  private static final int MEMORY = 50;

  private final int steps;
  private final Map<Integer, Double> shares;
  private final Map<Task, Integer> every;
  private final Map<Integer, Mean> stages = new LinkedHashMap<>();
  private final Map<Task, Mean> tasks = new EnumMap<>(Task.class);

  /**
   * A mean of seconds: of all at first, then with a weight of 1/50 on each new one.
   *
   * @param weight of what is in it; 0 for what counts only until there is more
   */
  private record Mean(double seconds, double weight) {
    Mean with(double next, double weightOfNext) {
      double all = Math.min(weight + weightOfNext, MEMORY);
      return new Mean(seconds + (next - seconds) * weightOfNext / all, all);
    }
  }

  /**
   * @param steps in all
   * @param shares of the steps that visit each stage, by its number
   * @param every how many steps a task is due; those that never are, are not there
   */
  TimeLeft(int steps, Map<Integer, Double> shares, Map<Task, Integer> every) {
    this.steps = steps;
    this.shares = Map.copyOf(shares);
    this.every = Map.copyOf(every);
  }

  /** Of a run: its steps, and what is due between them. */
  static TimeLeft of(TrainingRun run) {
    var every = new EnumMap<Task, Integer>(Task.class);
    run.validation().ifPresent(own -> every.put(Task.VALIDATION, own.everySteps()));
    run.samples().ifPresent(own -> every.put(Task.SAMPLES, own.everySteps()));
    run.states().ifPresent(own -> every.put(Task.STATES, own.everySteps()));
    return new TimeLeft(run.settings().steps(), run.data().shares(), every);
  }

  /**
   * A step was done.
   *
   * @param visited the stage of each of its batches; a stage counts by its part of them
   */
  void stepped(Collection<Integer> visited, double seconds) {
    var parts = new LinkedHashMap<Integer, Double>();
    visited.forEach(stage -> parts.merge(stage, 1.0 / visited.size(), Double::sum));
    parts.forEach(
        (stage, part) ->
            stages.merge(stage, new Mean(seconds, 0), (mean, first) -> mean.with(seconds, part)));
  }

  /** A task was done, whole. */
  void did(Task task, double seconds) {
    tasks.merge(task, new Mean(seconds, 1), (mean, first) -> mean.with(seconds, 1));
  }

  /** What is left after a step, that which is due after it among it. */
  Remaining after(int step) {
    double left = (steps - step) * secondsPerStep();
    var unmeasured = new ArrayList<String>();
    for (Task task : Task.values()) {
      Mean mean = tasks.get(task);
      Integer often = every.get(task);
      if (often == null) {
        continue;
      }
      if (mean != null) {
        left += due(often, step) * mean.seconds();
      } else if (task != Task.STATES) {
        unmeasured.add(task.name().toLowerCase(Locale.ROOT));
      }
    }
    return new Remaining(Duration.ofMillis(Math.round(1000 * left)), unmeasured);
  }

  /** Expected over the stages seen so far. */
  private double secondsPerStep() {
    double sum = 0;
    double share = 0;
    for (var stage : stages.entrySet()) {
      double own = shares.getOrDefault(stage.getKey(), 0.0);
      sum += own * stage.getValue().seconds();
      share += own;
    }
    return share == 0 ? 0 : sum / share;
  }

  /** How often something is due from a step to the last. */
  private int due(int often, int step) {
    int whole = steps / often - (step - 1) / often;
    return steps % often == 0 ? whole : whole + 1;
  }

  /** The stages of some batches. */
  static List<Integer> stages(List<GradientSource.BatchLoss> batches) {
    return batches.stream().map(GradientSource.BatchLoss::stage).toList();
  }
}
