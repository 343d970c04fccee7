package io.github.tpdiff.conformance.bench;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/**
 * What was measured.
 *
 * @param subject the model and sizes, for the user
 * @param engines in the order of their measurement
 * @param stageErrors the last engine against the first, relative, in sampling order
 * @param peakBytes of resident anonymous memory, both engines loaded; 0 if unknown
 */
record BenchResult(
    String subject, List<Figures> engines, List<Double> stageErrors, long peakBytes) {
  /** The least share of the predicted speed-up that must be measured. */
  private static final double REQUIRED = 0.9;

  private static final double MOST_ERROR = 1e-4;

  /**
   * Times of one engine.
   *
   * @param firstOutput from nothing loaded to the first prediction
   * @param staged median
   * @param vanilla median
   */
  record Seconds(double firstOutput, double staged, double vanilla) {}

  /**
   * One engine.
   *
   * @param speedUp vanilla over staged, median over the rounds
   * @param predicted the same by the cost model
   */
  record Figures(String engine, Seconds seconds, double speedUp, double predicted) {
    double share() {
      return speedUp / predicted;
    }
  }

  boolean passed() {
    return engines.stream().allMatch(figures -> figures.share() >= REQUIRED)
        && stageErrors.stream().allMatch(error -> error <= MOST_ERROR);
  }

  List<String> lines() {
    var lines = new ArrayList<String>();
    lines.add(subject);
    for (Figures figures : engines) {
      lines.add(
          String.format(
              Locale.ROOT,
              "%-5s  staged %.2f s, vanilla %.2f s: %.2f times faster, %.2f predicted"
                  + " (measured/predicted %.2f); first output after %.2f s",
              figures.engine(),
              figures.seconds().staged(),
              figures.seconds().vanilla(),
              figures.speedUp(),
              figures.predicted(),
              figures.share(),
              figures.seconds().firstOutput()));
    }
    if (engines.size() > 1) {
      lines.add(
          String.format(
              Locale.ROOT,
              "%s/%s time: staged %.2f, vanilla %.2f; largest error by stage: %s",
              last().engine(),
              engines.get(0).engine(),
              ratio(Seconds::staged),
              ratio(Seconds::vanilla),
              stageErrors.stream().map(e -> String.format(Locale.ROOT, "%.1e", e)).toList()));
    }
    lines.add(
        String.format(Locale.ROOT, "peak resident anonymous memory: %.0f MB", peakBytes / 1e6));
    return lines;
  }

  private Figures last() {
    return engines.get(engines.size() - 1);
  }

  private double ratio(ToDoubleFunction<Seconds> part) {
    return part.applyAsDouble(last().seconds()) / part.applyAsDouble(engines.get(0).seconds());
  }

  Map<String, Object> json() {
    var json = new LinkedHashMap<String, Object>();
    json.put("subject", subject);
    json.put("engines", engines.stream().map(BenchResult::json).toList());
    json.put("onnx_torch_max_error_by_stage", stageErrors);
    json.put("peak_resident_anonymous_bytes", peakBytes);
    json.put("passed", passed());
    return json;
  }

  private static Map<String, Object> json(Figures figures) {
    var json = new LinkedHashMap<String, Object>();
    json.put("engine", figures.engine());
    json.put("staged_seconds", figures.seconds().staged());
    json.put("vanilla_seconds", figures.seconds().vanilla());
    json.put("first_output_seconds", figures.seconds().firstOutput());
    json.put("speed_up", figures.speedUp());
    json.put("predicted_speed_up", figures.predicted());
    json.put("measured_over_predicted", figures.share());
    return json;
  }
}
