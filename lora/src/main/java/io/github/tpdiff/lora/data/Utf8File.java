package io.github.tpdiff.lora.data;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Text files in UTF-8, with or without a byte order mark. */
public final class Utf8File {
  private static final char BYTE_ORDER_MARK = '\uFEFF';

  private Utf8File() {}

  /** A file that is not text in UTF-8; the message names file and line. */
  public static final class MalformedException extends IOException {
    private static final long serialVersionUID = 1L;

    MalformedException(Path file, int line, String found) {
      super(
          "%s: line %d: expected text in UTF-8, found %s; save it as UTF-8"
              .formatted(file, line, found));
    }
  }

  /**
   * Reads a file; a mark at its start is no part of the text.
   *
   * @param most bytes that it may have
   * @throws MalformedException if it is not UTF-8, or holds zero bytes as other encodings do
   */
  public static String read(Path file, long most) throws IOException {
    long size = Files.size(file);
    if (size > most) {
      throw new IOException(
          "%s: expected a text of at most %d bytes, found %d".formatted(file, most, size));
    }
    byte[] bytes = Files.readAllBytes(file);
    if (startsWith(bytes, 0xFE, 0xFF) || startsWith(bytes, 0xFF, 0xFE)) {
      throw new MalformedException(file, 1, "UTF-16");
    }
    for (int i = 0; i < bytes.length; i++) {
      if (bytes[i] == 0) {
        throw new MalformedException(file, line(bytes, i), "a zero byte, as in UTF-16");
      }
    }
    var in = ByteBuffer.wrap(bytes);
    var text = CharBuffer.allocate(bytes.length);
    CoderResult result = StandardCharsets.UTF_8.newDecoder().decode(in, text, true);
    if (result.isError()) {
      throw new MalformedException(
          file,
          line(bytes, in.position()),
          "the byte %02x, as in another encoding".formatted(bytes[in.position()]));
    }
    text.flip();
    if (text.hasRemaining() && text.get(0) == BYTE_ORDER_MARK) {
      text.get();
    }
    return text.toString();
  }

  private static boolean startsWith(byte[] bytes, int first, int second) {
    return bytes.length >= 2 && (bytes[0] & 0xff) == first && (bytes[1] & 0xff) == second;
  }

  private static int line(byte[] bytes, int position) {
    int line = 1;
    for (int i = 0; i < position; i++) {
      if (bytes[i] == '\n' || (bytes[i] == '\r' && bytes[i + 1] != '\n')) {
        line++;
      }
    }
    return line;
  }
}
