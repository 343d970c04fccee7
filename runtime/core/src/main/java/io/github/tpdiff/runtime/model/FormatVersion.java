package io.github.tpdiff.runtime.model;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The version of a file's format. A later minor version adds what earlier readers may leave out; a
 * later major version cannot be read by them.
 */
record FormatVersion(int major, int minor) {
  private static final Pattern TEXT = Pattern.compile("(\\d{1,4})\\.(\\d{1,4})");

  /** What files without a version have. */
  static final FormatVersion FIRST = new FormatVersion(1, 0);

  /**
   * Reads a text such as {@code 2.0}.
   *
   * @throws IllegalArgumentException if it is none
   */
  static FormatVersion parse(String text) {
    Matcher parts = TEXT.matcher(text);
    if (!parts.matches()) {
      throw new IllegalArgumentException(
          "version: expected two numbers such as 1.0, found '%s'".formatted(text));
    }
    return new FormatVersion(Integer.parseInt(parts.group(1)), Integer.parseInt(parts.group(2)));
  }

  /**
   * Whether a reader of this version may meet fields that it does not know in a file of another.
   */
  boolean isOlderMinorThan(FormatVersion other) {
    return major == other.major && minor < other.minor;
  }

  boolean isBefore(FormatVersion other) {
    return major < other.major || isOlderMinorThan(other);
  }

  @Override
  public String toString() {
    return major + "." + minor;
  }
}
