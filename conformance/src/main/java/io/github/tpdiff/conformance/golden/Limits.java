package io.github.tpdiff.conformance.golden;

import java.util.Locale;
import java.util.OptionalDouble;

/**
 * How far a result may be from the reference.
 *
 * @param max on max|a − r| / max|r|; 0 means equal
 * @param rms on rms(a − r) / rms(r), where given
 */
public record Limits(double max, OptionalDouble rms) {

  static final String MAX = "fp32";

  static Limits of(Arguments tolerance) {
    return new Limits(
        tolerance.number(MAX),
        tolerance.findNumber("fp32_rms").map(OptionalDouble::of).orElse(OptionalDouble.empty()));
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
