package io.github.tpdiff.conformance.golden;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Locale;
import java.util.OptionalDouble;

/**
 * How far a result may be from the reference.
 *
 * @param max on max|a − r| / max|r|; 0 means equal
 * @param rms on rms(a − r) / rms(r), where given
 */
public record Limits(double max, OptionalDouble rms) {

  static Limits of(JsonNode tolerance) {
    JsonNode max = tolerance.path("fp32");
    if (!max.isNumber()) {
      throw new CaseException("case.json: tolerance.fp32: expected a number, found " + max);
    }
    JsonNode rms = tolerance.path("fp32_rms");
    return new Limits(
        max.asDouble(),
        rms.isNumber() ? OptionalDouble.of(rms.asDouble()) : OptionalDouble.empty());
  }

  @Override
  public String toString() {
    String text = number(max);
    return rms.isPresent() ? text + ", rms " + number(rms.getAsDouble()) : text;
  }

  static String number(double value) {
    return value == 0 ? "0" : String.format(Locale.ROOT, "%.1e", value);
  }
}
