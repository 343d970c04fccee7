package io.github.tpdiff.runtime.text;

import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jsoup.nodes.Entities;

/**
 * HTML character references with the rules of Python's {@code html.unescape}; jsoup supplies the
 * table of names only, since HTML parsers on the JVM treat prefixes and invalid numbers otherwise.
 */
final class HtmlEntities {
  private static final Pattern REFERENCE =
      Pattern.compile("&(#[0-9]+;?|#[xX][0-9a-fA-F]+;?|[^\\t\\n\\f <&#;]{1,32};?)");

  /** Complete references only: what may be unescaped in text that is not known to be HTML. */
  private static final Pattern TERMINATED = Pattern.compile("&#?[0-9A-Za-z]{1,24};");

  private static final SingleByteEncoding WINDOWS_1252 = SingleByteEncoding.sloppy("windows-1252");

  private HtmlEntities() {}

  /** Unescapes every reference, with or without its semicolon. */
  static String unescape(String text) {
    if (text.indexOf('&') < 0) {
      return text;
    }
    return REFERENCE
        .matcher(text)
        .replaceAll(match -> Matcher.quoteReplacement(resolve(match.group(1))));
  }

  /**
   * Unescapes references that end in a semicolon, and names shouted in capitals, as in "EACUTE".
   */
  static String unescapeTerminated(String text) {
    if (text.indexOf('&') < 0) {
      return text;
    }
    return TERMINATED
        .matcher(text)
        .replaceAll(match -> Matcher.quoteReplacement(resolveTerminated(match.group())));
  }

  private static String resolveTerminated(String reference) {
    if (reference.startsWith("&#")) {
      var unescaped = unescape(reference);
      return unescaped.indexOf(';') >= 0 ? reference : unescaped;
    }
    var name = reference.substring(1, reference.length() - 1);
    return findNamed(name).or(() -> findShouted(name)).orElse(reference);
  }

  private static Optional<String> findShouted(String name) {
    var lower = name.toLowerCase(Locale.ROOT);
    var reference = "&" + name + ";";
    if (!lower.toUpperCase(Locale.ROOT).equals(name) || !unescape(reference).equals(reference)) {
      return Optional.empty();
    }
    return findNamed(lower).map(value -> value.toUpperCase(Locale.ROOT));
  }

  private static String resolve(String reference) {
    if (reference.charAt(0) == '#') {
      return resolveNumber(reference);
    }
    if (reference.endsWith(";")) {
      var named = findNamed(reference.substring(0, reference.length() - 1));
      if (named.isPresent()) {
        return named.get();
      }
    }
    // HTML 5: the longest prefix that is a name allowed without its semicolon.
    for (int end = reference.length(); end > 1; end--) {
      var prefix = reference.substring(0, end);
      if (Entities.isBaseNamedEntity(prefix)) {
        return Entities.getByName(prefix) + reference.substring(end);
      }
    }
    return "&" + reference;
  }

  private static Optional<String> findNamed(String name) {
    return Entities.isNamedEntity(name) ? Optional.of(Entities.getByName(name)) : Optional.empty();
  }

  private static String resolveNumber(String reference) {
    boolean hex = Character.toLowerCase(reference.charAt(1)) == 'x';
    int radix = hex ? 16 : 10;
    long number = 0;
    for (int i = hex ? 2 : 1; i < reference.length() && reference.charAt(i) != ';'; i++) {
      number = Math.min(number * radix + Character.digit(reference.charAt(i), radix), 0x110000);
    }
    int codePoint = (int) number;
    if (codePoint >= 0x80 && codePoint <= 0x9f) {
      return String.valueOf(WINDOWS_1252.decode((byte) codePoint));
    }
    if (codePoint == 0 || codePoint > 0x10ffff || (codePoint >= 0xd800 && codePoint <= 0xdfff)) {
      return "\ufffd";
    }
    return isInvalid(codePoint) ? "" : Character.toString(codePoint);
  }

  private static boolean isInvalid(int codePoint) {
    return (codePoint < 0x20 && "\t\n\f\r".indexOf(codePoint) < 0)
        || codePoint == 0x7f
        || (codePoint >= 0xfdd0 && codePoint <= 0xfdef)
        || (codePoint & 0xfffe) == 0xfffe;
  }
}
