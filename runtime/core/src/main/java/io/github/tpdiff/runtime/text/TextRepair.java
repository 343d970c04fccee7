package io.github.tpdiff.runtime.text;

import java.text.Normalizer;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Repairs glitches of text as ftfy 6.3's {@code fix_text} does with its defaults: HTML entities in
 * text that is not HTML, mojibake, ligatures, character width, curly quotes, line breaks, torn
 * surrogates, terminal escapes, control characters, and NFC.
 */
final class TextRepair {
  private static final Map<Character, String> LIGATURES =
      Map.ofEntries(
          Map.entry('Ĳ', "IJ"),
          Map.entry('ĳ', "ij"),
          Map.entry('ŉ', "ʼn"),
          Map.entry('Ǳ', "DZ"),
          Map.entry('ǲ', "Dz"),
          Map.entry('ǳ', "dz"),
          Map.entry('Ǆ', "DŽ"),
          Map.entry('ǅ', "Dž"),
          Map.entry('ǆ', "dž"),
          Map.entry('Ǉ', "LJ"),
          Map.entry('ǈ', "Lj"),
          Map.entry('ǉ', "lj"),
          Map.entry('Ǌ', "NJ"),
          Map.entry('ǋ', "Nj"),
          Map.entry('ǌ', "nj"),
          Map.entry('ﬀ', "ff"),
          Map.entry('ﬁ', "fi"),
          Map.entry('ﬂ', "fl"),
          Map.entry('ﬃ', "ffi"),
          Map.entry('ﬄ', "ffl"),
          Map.entry('ﬅ', "ſt"),
          Map.entry('ﬆ', "st"));

  private static final Pattern WIDE_OR_NARROW = Pattern.compile("[\uff01-\uffef]");
  private static final Pattern LINE_BREAK = Pattern.compile("\r\n|[\r\u2028\u2029\u0085]");
  private static final Pattern TERMINAL_ESCAPE = Pattern.compile("\u001b\\[[\\p{Nd};]*[a-zA-Z]");
  private static final Pattern CONTROL =
      Pattern.compile("[\\x00-\\x08\\x0b\\x0e-\\x1f\\x7f\\u206a-\\u206f\\ufeff\\ufff9-\\ufffc]");

  private TextRepair() {}

  /** Repairs line by line; once a line holds a "<", it and all after it count as HTML. */
  static String repair(String text) {
    var repaired = new StringBuilder(text.length());
    boolean html = false;
    int start = 0;
    while (start < text.length()) {
      int lineFeed = text.indexOf('\n', start);
      int end = lineFeed < 0 ? text.length() : lineFeed + 1;
      var line = text.substring(start, end);
      html |= line.indexOf('<') >= 0;
      repaired.append(html ? repairMarkup(line) : repairPlain(line));
      start = end;
    }
    return repaired.toString();
  }

  private static String repairMarkup(String line) {
    String previous;
    String current = line;
    do {
      previous = current;
      current = pass(previous);
    } while (!current.equals(previous));
    return current;
  }

  private static String repairPlain(String line) {
    String previous;
    String current = line;
    do {
      previous = current;
      current = pass(HtmlEntities.unescapeTerminated(previous));
    } while (!current.equals(previous));
    return current;
  }

  private static String pass(String text) {
    var fixed = MojibakeRepair.repairC1(MojibakeRepair.repair(text));
    fixed = straightenQuotes(fixWidth(splitLigatures(fixed)));
    fixed = LINE_BREAK.matcher(fixed).replaceAll("\n");
    fixed = replaceTornSurrogates(fixed);
    fixed = TERMINAL_ESCAPE.matcher(fixed).replaceAll("");
    fixed = CONTROL.matcher(fixed).replaceAll("");
    return Normalizer.normalize(fixed, Normalizer.Form.NFC);
  }

  private static String splitLigatures(String text) {
    var split = new StringBuilder(text.length());
    for (int i = 0; i < text.length(); i++) {
      split.append(LIGATURES.getOrDefault(text.charAt(i), text.substring(i, i + 1)));
    }
    return split.toString();
  }

  private static String fixWidth(String text) {
    return WIDE_OR_NARROW
        .matcher(text.replace('\u3000', ' '))
        .replaceAll(
            m -> Matcher.quoteReplacement(Normalizer.normalize(m.group(), Normalizer.Form.NFKC)));
  }

  private static String straightenQuotes(String text) {
    return text.replaceAll("[\u02bc\u2018-\u201b]", "'").replaceAll("[\u201c-\u201f]", "\"");
  }

  private static String replaceTornSurrogates(String text) {
    var whole = new StringBuilder(text.length());
    text.codePoints()
        .map(c -> c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE ? 0xfffd : c)
        .forEach(whole::appendCodePoint);
    return whole.toString();
  }
}
