package io.github.tpdiff.runtime.text;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Undoes UTF-8 that was read in a one-byte encoding, by the plan of ftfy's {@code fix_encoding}:
 * while the text looks bad, encode it back in the first encoding that can hold it and whose bytes
 * are UTF-8; else repair embedded runs; else read C1 controls as Windows-1252.
 *
 * <p>Bytes travel as strings of characters 00 to FF, so that patterns apply to them.
 */
final class MojibakeRepair {
  private static final SingleByteEncoding LATIN_1 = SingleByteEncoding.strict("ISO-8859-1");
  private static final SingleByteEncoding WINDOWS_1252 = SingleByteEncoding.sloppy("windows-1252");
  private static final SingleByteEncoding MAC_ROMAN = SingleByteEncoding.strict("x-MacRoman");

  /** Encodings in which UTF-8 keeps its structure: lead and continuation bytes stay apart. */
  private static final List<SingleByteEncoding> LATIN_LIKE =
      List.of(
          LATIN_1,
          WINDOWS_1252,
          SingleByteEncoding.sloppy("windows-1251"),
          SingleByteEncoding.sloppy("windows-1250"),
          SingleByteEncoding.sloppy("windows-1253"),
          SingleByteEncoding.sloppy("windows-1254"),
          SingleByteEncoding.sloppy("windows-1257"));

  private static final List<SingleByteEncoding> ENCODINGS =
      Stream.concat(
              LATIN_LIKE.stream(),
              Stream.of(
                  SingleByteEncoding.strict("ISO-8859-2"),
                  MAC_ROMAN,
                  SingleByteEncoding.strict("IBM437")))
          .toList();

  /** UTF-8 in which a byte A0 has become a space. */
  private static final Pattern SPACED_UTF8 =
      Pattern.compile(
          "[\u00c2\u00c3\u00c5\u00ce\u00d0\u00d9] "
              + "|[\u00e2\u00e3] [\u0080-\u0084\u0086-\u009f\u00a1-\u00bf]"
              + "|[\u00e0-\u00e3][\u0080-\u0084\u0086-\u009f\u00a1-\u00bf] "
              + "|\u00f0 [\u0080-\u00bf]{2}"
              + "|\u00f0[\u0080-\u00bf] [\u0080-\u00bf]"
              + "|\u00f0[\u0080-\u00bf]{2} ");

  /** A lone "a" with grave is a word of its own; the listed Portuguese contractions are not. */
  private static final Pattern A_GRAVE_WORD = Pattern.compile("\u00c3 (?! |quele|quela|quilo|s )");

  /** UTF-8, or surrogates encoded one by one, in which bytes were lost. */
  private static final Pattern LOSSY_UTF8 =
      Pattern.compile(
          "[\u00c2-\u00df]\u001a"
              + "|[\u00c2\u00c3]\\?"
              + "|\u00ed[\u00a0-\u00af][\u001a?]\u00ed[\u00b0-\u00bf][\u001a?\u0080-\u00bf]"
              + "|\u00ed[\u00a0-\u00af][\u001a?\u0080-\u00bf]\u00ed[\u00b0-\u00bf][\u001a?]"
              + "|[\u00e0-\u00ef][\u001a?][\u001a\u0080-\u00bf]"
              + "|[\u00e0-\u00ef][\u001a\u0080-\u00bf][\u001a?]"
              + "|[\u00f0-\u00f4][\u001a?][\u001a\u0080-\u00bf]{2}"
              + "|[\u00f0-\u00f4][\u001a\u0080-\u00bf][\u001a?][\u001a\u0080-\u00bf]"
              + "|[\u00f0-\u00f4][\u001a\u0080-\u00bf]{2}[\u001a?]"
              + "|\u001a");

  /** Byte 00 and supplementary characters as Java and CESU-8 write them. */
  private static final Pattern VARIANT_UTF8 =
      Pattern.compile(
          "\u00c0\u0080|\u00ed[\u00a0-\u00af][\u0080-\u00bf]\u00ed[\u00b0-\u00bf][\u0080-\u00bf]");

  private static final Pattern C1_CONTROL = Pattern.compile("[\u0080-\u009f]");
  private static final Pattern EMBEDDED = embeddedUtf8();

  private MojibakeRepair() {}

  static String repair(String text) {
    String previous;
    String current = text;
    do {
      previous = current;
      current = step(previous);
    } while (!current.equals(previous));
    return current;
  }

  private static String step(String text) {
    if (text.chars().allMatch(c -> c < 0x80) || !MojibakeHeuristic.isBad(text)) {
      return text;
    }
    for (var encoding : ENCODINGS) {
      if (encoding.canEncode(text)) {
        var decoded = decodeUtf8(restored(encoding, encoding.encode(text)));
        if (decoded.isPresent()) {
          return decoded.get();
        }
      }
    }
    var embedded = repairEmbedded(text);
    return embedded.equals(text) ? repairC1(text) : embedded;
  }

  /** Reads C1 controls as the characters that Windows-1252 has in their places. */
  static String repairC1(String text) {
    return C1_CONTROL
        .matcher(text)
        .replaceAll(m -> String.valueOf(WINDOWS_1252.decode((byte) m.group().charAt(0))));
  }

  private static String restored(SingleByteEncoding encoding, String bytes) {
    var restored = bytes;
    // In MacRoman the pattern would take an en dash and a space for a letter.
    if (encoding != MAC_ROMAN) {
      restored = A_GRAVE_WORD.matcher(restored).replaceAll("\u00c3\u00a0 ");
      restored = SPACED_UTF8.matcher(restored).replaceAll(m -> m.group().replace(' ', '\u00a0'));
    }
    if (encoding.isSloppy()) {
      restored = LOSSY_UTF8.matcher(restored).replaceAll("\u00ef\u00bf\u00bd");
    }
    return restored;
  }

  private static Optional<String> decodeUtf8(String bytes) {
    var text = new StringBuilder();
    var variants = VARIANT_UTF8.matcher(bytes);
    int position = 0;
    try {
      while (variants.find()) {
        text.append(decodeStrictly(bytes.substring(position, variants.start())));
        text.append(decodeVariant(variants.group()));
        position = variants.end();
      }
      return Optional.of(text.append(decodeStrictly(bytes.substring(position))).toString());
    } catch (CharacterCodingException e) {
      return Optional.empty();
    }
  }

  private static String decodeStrictly(String bytes) throws CharacterCodingException {
    var buffer = ByteBuffer.wrap(bytes.getBytes(StandardCharsets.ISO_8859_1));
    return StandardCharsets.UTF_8.newDecoder().decode(buffer).toString();
  }

  private static String decodeVariant(String bytes) {
    if (bytes.length() == 2) {
      return "\0";
    }
    return "" + surrogate(bytes, 0) + surrogate(bytes, 3);
  }

  private static char surrogate(String bytes, int at) {
    return (char) (0xd000 | (bytes.charAt(at + 1) & 0x3f) << 6 | (bytes.charAt(at + 2) & 0x3f));
  }

  private static String repairEmbedded(String text) {
    return EMBEDDED
        .matcher(text)
        .replaceAll(m -> Matcher.quoteReplacement(repairRun(m.group(), text.length())));
  }

  private static String repairRun(String run, int textLength) {
    // Only a proper part of the text, so that this ends.
    return run.length() < textLength && MojibakeHeuristic.isBad(run) ? repair(run) : run;
  }

  /** Runs of characters that are UTF-8 sequences when read back in some Latin-like encoding. */
  private static Pattern embeddedUtf8() {
    var continuation = readings(0x80, 0xbf);
    // After punctuation of everyday text a sequence may begin; after rarer readings it is torn.
    var torn = continuation.replaceAll("[–—―‘’‚“”„•…]", "");
    var lead2 = "[" + readings(0xc2, 0xdf) + "][" + continuation + " ]";
    var lead3 = "[" + readings(0xe0, 0xef) + "][" + continuation + " ]{2}";
    var lead4 = "[" + readings(0xf0, 0xf0) + readings(0xf3, 0xf3) + "][" + continuation + " ]{3}";
    // Possessive: nothing follows the group, and long runs must not recurse.
    return Pattern.compile(
        "(?<![" + torn + "])(?:" + String.join("|", lead2, lead3, lead4) + ")++");
  }

  private static String readings(int firstByte, int lastByte) {
    return IntStream.rangeClosed(firstByte, lastByte)
        .boxed()
        .flatMap(b -> LATIN_LIKE.stream().map(e -> String.valueOf(e.decode(b.byteValue()))))
        .distinct()
        .reduce("", String::concat);
  }
}
