package io.github.tpdiff.lora.train;

import io.github.tpdiff.weights.CheckpointException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A SHA-256 over all bytes of a safetensors file, kept in its header: taken with zeros where its
 * own digits stand.
 */
final class StateChecksum {
  /** Entry of the header. */
  static final String KEY = "tpdiff.sha256";

  /** What stands there until the file is {@linkplain #seal sealed}. */
  static final String UNSEALED = "0".repeat(64);

  private static final Pattern ENTRY =
      Pattern.compile("\"" + Pattern.quote(KEY) + "\"\\s*:\\s*\"([0-9a-f]{64})\"");

  private static final int LENGTH_BYTES = 8;
  private static final int MOST_HEADER_BYTES = 100_000_000;
  private static final int CHUNK = 1 << 20;

  private StateChecksum() {}

  /** Puts the checksum into a file that was written with {@link #UNSEALED}. */
  static void seal(Path file) throws IOException {
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      long place = place(channel).orElseThrow(() -> new IOException("no place for a checksum"));
      channel.write(ascii(digest(channel, place)), place);
    }
  }

  /**
   * Checks a file.
   *
   * @throws CheckpointException if any of its bytes is not as it was written
   */
  static void verify(Path file) {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      OptionalLong place = place(channel);
      if (place.isEmpty()) {
        throw new CheckpointException(
            "%s: the state has no checksum: it is damaged, or of an earlier version of tpdiff"
                .formatted(file));
      }
      String expected = digest(channel, place.getAsLong());
      String found = text(channel, place.getAsLong(), UNSEALED.length());
      if (!expected.equals(found)) {
        throw new CheckpointException(
            "%s: the state is damaged: its bytes have not the checksum that they were written with"
                .formatted(file));
      }
    } catch (IOException failure) {
      throw new CheckpointException("%s: cannot be read: %s".formatted(file, failure), failure);
    }
  }

  private static OptionalLong place(FileChannel channel) throws IOException {
    ByteBuffer length = ByteBuffer.allocate(LENGTH_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    read(channel, length, 0);
    long header = length.flip().remaining() < LENGTH_BYTES ? -1 : length.getLong();
    if (header < 0 || header > Math.min(MOST_HEADER_BYTES, channel.size() - LENGTH_BYTES)) {
      return OptionalLong.empty();
    }
    Matcher entry = ENTRY.matcher(text(channel, LENGTH_BYTES, (int) header));
    return entry.find() ? OptionalLong.of(LENGTH_BYTES + entry.start(1)) : OptionalLong.empty();
  }

  /** One character a byte, so that places in the text are places in the file. */
  private static String text(FileChannel channel, long from, int count) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(count);
    read(channel, bytes, from);
    return new String(bytes.array(), 0, bytes.position(), StandardCharsets.ISO_8859_1);
  }

  private static String digest(FileChannel channel, long place) throws IOException {
    MessageDigest digest = sha256();
    update(digest, channel, 0, place);
    digest.update(ascii(UNSEALED));
    update(digest, channel, place + UNSEALED.length(), channel.size());
    return HexFormat.of().formatHex(digest.digest());
  }

  private static void update(MessageDigest digest, FileChannel channel, long from, long to)
      throws IOException {
    ByteBuffer chunk = ByteBuffer.allocate(CHUNK);
    long at = from;
    while (at < to) {
      chunk.clear().limit((int) Math.min(CHUNK, to - at));
      read(channel, chunk, at);
      if (chunk.position() == 0) {
        throw new IOException("the file became shorter");
      }
      at += chunk.position();
      digest.update(chunk.flip());
    }
  }

  private static void read(FileChannel channel, ByteBuffer into, long from) throws IOException {
    long at = from;
    for (int count = 0; into.hasRemaining() && count >= 0; at += count) {
      count = channel.read(into, at);
    }
  }

  private static ByteBuffer ascii(String text) {
    return ByteBuffer.wrap(text.getBytes(StandardCharsets.US_ASCII));
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException impossible) {
      throw new IllegalStateException(impossible);
    }
  }
}
