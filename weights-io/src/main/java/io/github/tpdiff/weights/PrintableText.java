package io.github.tpdiff.weights;

/**
 * Text that a terminal shows as it is written, whatever names and prompts files put into it.
 *
 * <p>Control characters (C0, DEL, C1), line and paragraph separators, what changes the direction of
 * writing and other invisible characters of format, and lone surrogates become escapes as in JSON:
 * {@code \n}, {@code \u001b}, {@code \u202e}. What joins letters (U+200C, U+200D) stays.
 */
public final class PrintableText {

  private PrintableText() {}

  /** The text in one line. */
  public static String of(String text) {
    return escaped(text, false);
  }

  /** The text with its line feeds. */
  public static String lines(String text) {
    return escaped(text, true);
  }

  private static String escaped(String text, boolean keepLineFeeds) {
    if (text.codePoints().noneMatch(PrintableText::isHidden)) {
      return text;
    }
    StringBuilder shown = new StringBuilder();
    text.codePoints()
        .forEach(
            point -> {
              if (!isHidden(point) || (keepLineFeeds && point == '\n')) {
                shown.appendCodePoint(point);
              } else {
                appendEscape(point, shown);
              }
            });
    return shown.toString();
  }

  private static boolean isHidden(int point) {
    return switch (Character.getType(point)) {
      case Character.CONTROL,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR,
          Character.SURROGATE ->
          true;
      case Character.FORMAT -> point != 0x200c && point != 0x200d;
      default -> false;
    };
  }

  private static void appendEscape(int point, StringBuilder shown) {
    switch (point) {
      case '\n' -> shown.append("\\n");
      case '\r' -> shown.append("\\r");
      case '\t' -> shown.append("\\t");
      default -> {
        for (char unit : Character.toChars(point)) {
          shown.append("\\u%04x".formatted((int) unit));
        }
      }
    }
  }
}
