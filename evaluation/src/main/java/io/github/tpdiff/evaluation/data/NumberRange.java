package io.github.tpdiff.evaluation.data;

import static com.google.common.base.Preconditions.checkArgument;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Numbers from one to another, both included.
 *
 * @param least may be infinite
 * @param most likewise
 */
public record NumberRange(double least, double most) {
  private static final String NUMBER = "([-+]?\\d+(?:\\.\\d+)?)";
  private static final Pattern RANGE =
      Pattern.compile("%1$s(\\.\\.%1$s?)?|\\.\\.%1$s".formatted(NUMBER));

  /**
   * @throws IllegalArgumentException if it has no number in it
   */
  public NumberRange {
    checkArgument(least <= most, "expected a range from less to more, found %s..%s", least, most);
  }

  /**
   * Reads {@code 5} or {@code 5..}, at least that; {@code ..20}, at most that; or {@code 5..20}.
   *
   * @throws IllegalArgumentException if a text is none of these
   */
  public static NumberRange parse(String text) {
    Matcher found = RANGE.matcher(text.strip());
    checkArgument(found.matches(), "expected a range such as 5, ..20 or 5..20, found '%s'", text);
    return new NumberRange(
        number(found.group(1), Double.NEGATIVE_INFINITY),
        number(found.group(3) != null ? found.group(3) : found.group(4), Double.POSITIVE_INFINITY));
  }

  private static double number(@Nullable String text, double otherwise) {
    return text == null ? otherwise : Double.parseDouble(text);
  }

  /** False for what is no number. */
  public boolean holds(double value) {
    return value >= least && value <= most;
  }

  @Override
  public String toString() {
    return (Double.isInfinite(least) ? "" : least) + ".." + (Double.isInfinite(most) ? "" : most);
  }
}
