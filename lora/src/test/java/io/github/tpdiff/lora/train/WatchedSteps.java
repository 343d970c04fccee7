package io.github.tpdiff.lora.train;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Keeps what a run says of its steps and validations, and stops it after so many steps. */
final class WatchedSteps implements TrainingListener {
  private final int most;
  final List<TrainingProgress> steps = new ArrayList<>();
  final List<Map<Integer, Double>> validations = new ArrayList<>();

  WatchedSteps(int most) {
    this.most = most;
  }

  List<Double> losses() {
    return steps.stream().map(TrainingProgress::loss).toList();
  }

  @Override
  public void stepped(TrainingProgress progress) {
    steps.add(progress);
  }

  @Override
  public void validated(int step, Map<Integer, Double> losses) {
    validations.add(losses);
  }

  @Override
  public boolean stopAsked() {
    return steps.size() >= most;
  }

  /** What was trained, in a form that compares. */
  static Map<String, List<Float>> values(TrainingOutcome outcome) {
    var values = new LinkedHashMap<String, List<Float>>();
    outcome
        .parameters()
        .forEach(
            (name, p) -> {
              var list = new ArrayList<Float>();
              for (float value : p.values()) {
                list.add(value);
              }
              values.put(name, list);
            });
    return values;
  }
}
