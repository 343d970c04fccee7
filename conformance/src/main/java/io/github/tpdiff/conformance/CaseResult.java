package io.github.tpdiff.conformance;

import io.github.tpdiff.conformance.golden.Outcome;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * One line of the report.
 *
 * @param name family and case
 * @param kind what {@code case.json} calls it
 * @param engine what computed it, {@code java} where no engine takes part
 * @param tolerance the case's limits, as text
 * @param outcome what came of it
 * @param seconds it took
 */
record CaseResult(
    String name, String kind, String engine, String tolerance, Outcome outcome, double seconds) {

  private static final int REASONS_SHOWN = 5;

  boolean passed() {
    return outcome.passed();
  }

  /** The line, with the first reasons below it if the case failed. */
  String text() {
    String head =
        String.format(Locale.ROOT, "%-4s  %-32s  %-5s", passed() ? "ok" : "FAIL", name, engine);
    if (outcome.differences().isEmpty() && !passed()) {
      return head + "  " + reasons(" ");
    }
    return String.format(
        Locale.ROOT,
        "%s  max %s  rms %s  (tolerance %s)  %.1f s%s",
        head,
        number(outcome.maxError()),
        number(outcome.rmsError()),
        tolerance,
        seconds,
        passed() ? "" : "\n      " + reasons("\n      "));
  }

  private String reasons(String separator) {
    List<String> all = outcome.reasons();
    String shown = all.stream().limit(REASONS_SHOWN).collect(Collectors.joining(separator));
    return all.size() <= REASONS_SHOWN
        ? shown
        : shown + separator + "and " + (all.size() - REASONS_SHOWN) + " more";
  }

  Map<String, Object> json() {
    var json = new LinkedHashMap<String, Object>();
    json.put("case", name);
    json.put("kind", kind);
    json.put("engine", engine);
    json.put("verdict", passed() ? "ok" : "fail");
    json.put("max_error", outcome.maxError());
    json.put("rms_error", outcome.rmsError());
    json.put("tolerance", tolerance);
    json.put("seconds", seconds);
    json.put("reasons", outcome.reasons());
    return json;
  }

  private static String number(double value) {
    return String.format(Locale.ROOT, "%.1e", value);
  }
}
