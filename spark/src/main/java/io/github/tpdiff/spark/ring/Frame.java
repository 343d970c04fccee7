package io.github.tpdiff.spark.ring;

import java.nio.ByteBuffer;

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
    VALUES,
    /** What a rank tells all. */
    BYTES,
    /** A file of the first rank. */
    FILE,
    /** Why the run ends. */
    END
  }

  static final int SIZE = 24;

  private static final int MAGIC = 0x54504452; // TPDR

  byte[] bytes() {
    return ByteBuffer.allocate(SIZE)
        .putInt(MAGIC)
        .putInt(kind.ordinal())
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

  private static Kind kind(int magic, int kind) {
    if (magic != MAGIC || kind < 0 || kind >= Kind.values().length) {
      throw new RingException(
          "ring: expected a message, found %08x of kind %d".formatted(magic, kind));
    }
    return Kind.values()[kind];
  }
}
