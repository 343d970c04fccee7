package io.github.tpdiff.runtime.text;

import java.nio.charset.Charset;
import java.util.HashMap;
import java.util.Map;

/**
 * A one-byte encoding as a table, with every byte assigned.
 *
 * <p>A sloppy one passes unassigned bytes through as Latin-1, which is what browsers and most
 * mojibake do, and lets byte 1A stand for U+FFFD, a character whose byte was lost.
 */
final class SingleByteEncoding {
  private static final int SUBSTITUTE = 0x1a;

  private final char[] decoded;
  private final Map<Character, Byte> encoded = new HashMap<>();
  private final boolean sloppy;

  private SingleByteEncoding(char[] decoded, boolean sloppy) {
    this.decoded = decoded;
    this.sloppy = sloppy;
    for (int i = 0; i < decoded.length; i++) {
      encoded.put(decoded[i], (byte) i);
    }
  }

  static SingleByteEncoding strict(String charset) {
    return new SingleByteEncoding(table(charset), false);
  }

  static SingleByteEncoding sloppy(String charset) {
    char[] table = table(charset);
    for (int i = 0; i < table.length; i++) {
      if (table[i] == '\ufffd') {
        table[i] = (char) i;
      }
    }
    table[SUBSTITUTE] = '\ufffd';
    return new SingleByteEncoding(table, true);
  }

  private static char[] table(String charset) {
    byte[] bytes = new byte[256];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) i;
    }
    return new String(bytes, Charset.forName(charset)).toCharArray();
  }

  boolean isSloppy() {
    return sloppy;
  }

  char decode(byte value) {
    return decoded[value & 0xff];
  }

  boolean canEncode(String text) {
    return text.chars().allMatch(c -> encoded.containsKey((char) c));
  }

  /** The text's bytes as a string of characters 00 to FF, so that patterns apply to it. */
  String encode(String text) {
    var bytes = new StringBuilder(text.length());
    for (int i = 0; i < text.length(); i++) {
      Byte value = encoded.get(text.charAt(i));
      if (value == null) {
        throw new IllegalArgumentException("not encodable: " + text.charAt(i));
      }
      bytes.append((char) (value & 0xff));
    }
    return bytes.toString();
  }
}
