package io.github.tpdiff.conformance.bench;

import io.github.tpdiff.runtime.pipeline.PartsComparison.PartError;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.ToDoubleFunction;

/**
 * What was measured.
 *
 * @param subject the model and sizes, for the user
 * @param engines in the order of their measurement
 * @param differences of the last engine from the first; none of one engine
 */
record BenchResult(String subject, List<Figures> engines, List<PartError> differences) {
  /** The least share of the predicted speed-up that must be measured. */
  private static final double REQUIRED = 0.9;

  private static final double MOST_ERROR = 1e-4;

  /**
   * Getting started.
   *
   * @param mapped with weights read where the checkpoint is mapped
   * @param plain with all weights copied to memory first, where that was asked for
   */
  record Loading(FirstOutput mapped, Optional<FirstOutput> plain) {}

  /**
   * Sampling; medians over the rounds.
   *
   * @param staged seconds
   * @param vanilla seconds
   * @param speedUp vanilla over staged
   * @param predicted the same by the cost model
   */
  record Sampling(double staged, double vanilla, double speedUp, double predicted) {
    double share() {
      return speedUp / predicted;
    }

    private String text() {
      return BenchResult.text(
          "staged %.2f s, vanilla %.2f s: %.2f times faster, %.2f predicted"
              + " (measured/predicted %.2f)",
          staged, vanilla, speedUp, predicted, share());
    }
  }

  /** One engine; no sampling where no rounds were asked for. */
  record Figures(String engine, Loading loading, Optional<Sampling> sampling) {}

  boolean passed() {
    return engines.stream()
            .flatMap(figures -> figures.sampling().stream())
            .allMatch(sampling -> sampling.share() >= REQUIRED)
        && differences.stream().allMatch(difference -> difference.maxError() <= MOST_ERROR);
  }

  List<String> lines() {
    var lines = new ArrayList<String>();
    lines.add(subject);
    for (Figures figures : engines) {
      figures.sampling().ifPresent(s -> lines.add(text("%-5s  %s", figures.engine(), s.text())));
      lines.add(
          text(
              "%-5s  first output at full rate: %s",
              figures.engine(), first(figures.loading().mapped())));
      figures
          .loading()
          .plain()
          .ifPresent(p -> lines.add("       all weights copied to memory first: " + first(p)));
    }
    if (engines.size() > 1) {
      last()
          .sampling()
          .ifPresent(
              s ->
                  lines.add(
                      text(
                          "%s/%s time: staged %.2f, vanilla %.2f",
                          last().engine(),
                          engines.get(0).engine(),
                          ratio(Sampling::staged),
                          ratio(Sampling::vanilla))));
      lines.add(text("largest errors, %s against %s", last().engine(), engines.get(0).engine()));
      differences.forEach(d -> lines.add(text("       %-32s %.1e", d.part(), d.maxError())));
    }
    return lines;
  }

  private static String first(FirstOutput output) {
    return text(
        "%.2f s, peak anonymous memory %.0f MB", output.seconds(), output.peakBytes() / 1e6);
  }

  private static String text(String format, Object... values) {
    return String.format(Locale.ROOT, format, values);
  }

  private Figures last() {
    return engines.get(engines.size() - 1);
  }

  private double ratio(ToDoubleFunction<Sampling> part) {
    return part.applyAsDouble(last().sampling().orElseThrow())
        / part.applyAsDouble(engines.get(0).sampling().orElseThrow());
  }

  Map<String, Object> json() {
    var json = new LinkedHashMap<String, Object>();
    json.put("subject", subject);
    json.put("engines", engines.stream().map(BenchResult::json).toList());
    var errors = new LinkedHashMap<String, Double>();
    differences.forEach(difference -> errors.put(difference.part(), difference.maxError()));
    json.put("max_errors", errors);
    json.put("passed", passed());
    return json;
  }

  private static Map<String, Object> json(Figures figures) {
    var json = new LinkedHashMap<String, Object>();
    json.put("engine", figures.engine());
    figures
        .sampling()
        .ifPresent(
            sampling -> {
              json.put("staged_seconds", sampling.staged());
              json.put("vanilla_seconds", sampling.vanilla());
              json.put("speed_up", sampling.speedUp());
              json.put("predicted_speed_up", sampling.predicted());
              json.put("measured_over_predicted", sampling.share());
            });
    json.put("first_output", json(figures.loading().mapped()));
    figures.loading().plain().ifPresent(plain -> json.put("plain_load", json(plain)));
    return json;
  }

  private static Map<String, Object> json(FirstOutput output) {
    var json = new LinkedHashMap<String, Object>();
    json.put("seconds", output.seconds());
    json.put("peak_anonymous_bytes", output.peakBytes());
    return json;
  }
}
