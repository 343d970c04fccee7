package io.github.tpdiff.spark.ring;

import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * What goes before the bytes of a message, and is checked before one of them is believed.
 *
 * @param kind what they are
 * @param number of the message, counted from 0 by sender and receiver
 * @param length in bytes
 */
record Frame(Kind kind, long number, long length) {
  enum Kind {
    /** Part of a sum. */
    VALUES(1),
    /** What a rank tells all. */
    BYTES(2),
    /** A file of the first rank. */
    FILE(3),
    /** Why the run ends. */
    END(4);

    private final int code;

    Kind(int code) {
      this.code = code;
    }
  }

  static final int SIZE = 24;

  private static final int MAGIC = 0x54504452; // TPDR

  byte[] bytes() {
    return ByteBuffer.allocate(SIZE)
        .putInt(MAGIC)
        .putInt(kind.code)
        .putLong(number)
        .putLong(length)
        .array();
  }

  /**
   * @throws RingException if it is none, or another message than the next
   */
  static Frame parse(byte[] header, long next) {
    ByteBuffer fields = ByteBuffer.wrap(header);
    int magic = fields.getInt();
    int kind = fields.getInt();
    var frame = new Frame(kind(magic, kind), fields.getLong(), fields.getLong());
    if (frame.number() != next || frame.length() < 0) {
      throw new RingException(
          "ring: expected message %d, found %d of %d bytes"
              .formatted(next, frame.number(), frame.length()));
    }
    return frame;
  }

  private static Kind kind(int magic, int code) {
    return Arrays.stream(Kind.values())
        .filter(kind -> magic == MAGIC && kind.code == code)
        .findFirst()
        .orElseThrow(
            () ->
                new RingException(
                    "ring: expected a message, found %08x of kind %d".formatted(magic, code)));
  }
}
