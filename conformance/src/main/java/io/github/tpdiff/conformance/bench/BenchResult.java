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
 * @param subject the model and sizes, in lines for the user
 * @param engines in the order of their measurement
 * @param differences of the last engine from the first; none of one engine
 */
record BenchResult(List<String> subject, List<Figures> engines, List<PartError> differences) {
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
   * Sampling by one plan; medians over the rounds.
   *
   * @param rates of the plan
   * @param staged seconds
   * @param vanilla seconds
   * @param speedUp vanilla over staged
   * @param predicted the same by the cost model
   */
  record Sampling(String rates, double staged, double vanilla, double speedUp, double predicted) {
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

  /** One engine, with a sampling for each plan; none where no rounds were asked for. */
  record Figures(String engine, Loading loading, List<Sampling> samplings) {}

  boolean passed() {
    return engines.stream()
            .flatMap(figures -> figures.samplings().stream())
            .allMatch(sampling -> sampling.share() >= REQUIRED)
        && differences.stream().allMatch(difference -> difference.maxError() <= MOST_ERROR);
  }

  List<String> lines() {
    var lines = new ArrayList<String>();
    lines.addAll(subject);
    for (Figures figures : engines) {
      for (Sampling sampling : figures.samplings()) {
        lines.add(text("%-5s  %s%s", figures.engine(), plan(figures, sampling), sampling.text()));
      }
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
      for (int i = 0; i < last().samplings().size(); i++) {
        lines.add(
            text(
                "%s/%s time: %sstaged %.2f, vanilla %.2f",
                last().engine(),
                engines.get(0).engine(),
                plan(last(), last().samplings().get(i)),
                ratio(i, Sampling::staged),
                ratio(i, Sampling::vanilla)));
      }
      lines.add(text("largest errors, %s against %s", last().engine(), engines.get(0).engine()));
      int width = differences.stream().mapToInt(d -> d.part().length()).max().orElse(0);
      String row = "       %-" + Math.max(32, width) + "s %.1e";
      differences.forEach(d -> lines.add(text(row, d.part(), d.maxError())));
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

  /** Which plan it is, where there are several. */
  private static String plan(Figures figures, Sampling sampling) {
    int width = figures.samplings().stream().mapToInt(s -> s.rates().length()).max().orElse(0);
    return figures.samplings().size() == 1 ? "" : text("%-" + width + "s  ", sampling.rates());
  }

  private double ratio(int plan, ToDoubleFunction<Sampling> part) {
    return part.applyAsDouble(last().samplings().get(plan))
        / part.applyAsDouble(engines.get(0).samplings().get(plan));
  }

  Map<String, Object> json() {
    var json = new LinkedHashMap<String, Object>();
    json.put("subject", String.join("\n", subject));
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
    if (figures.samplings().size() == 1) {
      json.putAll(json(figures.samplings().get(0)));
    } else if (!figures.samplings().isEmpty()) {
      json.put("plans", figures.samplings().stream().map(BenchResult::planJson).toList());
    }
    json.put("first_output", json(figures.loading().mapped()));
    figures.loading().plain().ifPresent(plain -> json.put("plain_load", json(plain)));
    return json;
  }

  private static Map<String, Object> planJson(Sampling sampling) {
    var json = new LinkedHashMap<String, Object>();
    json.put("rates", sampling.rates());
    json.putAll(json(sampling));
    return json;
  }

  private static Map<String, Object> json(Sampling sampling) {
    var json = new LinkedHashMap<String, Object>();
    json.put("staged_seconds", sampling.staged());
    json.put("vanilla_seconds", sampling.vanilla());
    json.put("speed_up", sampling.speedUp());
    json.put("predicted_speed_up", sampling.predicted());
    json.put("measured_over_predicted", sampling.share());
    return json;
  }

  private static Map<String, Object> json(FirstOutput output) {
    var json = new LinkedHashMap<String, Object>();
    json.put("seconds", output.seconds());
    json.put("peak_anonymous_bytes", output.peakBytes());
    return json;
  }
}
