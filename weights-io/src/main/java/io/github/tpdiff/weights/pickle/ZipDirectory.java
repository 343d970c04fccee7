package io.github.tpdiff.weights.pickle;

import io.github.tpdiff.weights.FileRegion;
import io.github.tpdiff.weights.MappedFile;
import io.github.tpdiff.weights.PrintableText;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/** Where the entries of a zip archive lie; only entries stored without compression are taken. */
final class ZipDirectory {

  private static final int END_SIGNATURE = 0x06054b50;
  private static final int END64_LOCATOR_SIGNATURE = 0x07064b50;
  private static final int END64_SIGNATURE = 0x06064b50;
  private static final int ENTRY_SIGNATURE = 0x02014b50;
  private static final int LOCAL_SIGNATURE = 0x04034b50;

  private static final int END_BYTES = 22;
  private static final int ENTRY_BYTES = 46;
  private static final int LOCAL_BYTES = 30;
  private static final int MAX_DIRECTORY_BYTES = 64 << 20;
  private static final long FULL = 0xffffffffL;

  private record Extent(long offset, long length) {}

  private ZipDirectory() {}

  /**
   * Reads the central directory and checks that every entry lies in the file.
   *
   * @throws PickleException when it is damaged
   */
  static Map<String, FileRegion> read(MappedFile file) throws PickleException {
    Extent extent = directory(file);
    if (extent.length() > MAX_DIRECTORY_BYTES || !isInside(file, extent)) {
      throw new PickleException("the zip directory lies outside the file");
    }
    ByteBuffer directory = file.slice(extent.offset(), (int) extent.length());
    Map<String, FileRegion> entries = new LinkedHashMap<>();
    while (directory.remaining() >= ENTRY_BYTES) {
      int start = directory.position();
      if (directory.getInt(start) != ENTRY_SIGNATURE) {
        throw new PickleException("the zip directory is damaged");
      }
      int nameLength = directory.getShort(start + 28) & 0xffff;
      int extraLength = directory.getShort(start + 30) & 0xffff;
      int commentLength = directory.getShort(start + 32) & 0xffff;
      int length = ENTRY_BYTES + nameLength + extraLength + commentLength;
      if (length > directory.remaining()) {
        throw new PickleException("the zip directory is cut short");
      }
      byte[] name = new byte[nameLength];
      directory.get(start + ENTRY_BYTES, name);
      ByteBuffer extra =
          directory.slice(start + ENTRY_BYTES + nameLength, extraLength).order(directory.order());
      String text = new String(name, StandardCharsets.UTF_8);
      FileRegion region = region(file, text, directory.slice(start, ENTRY_BYTES), extra);
      if (entries.putIfAbsent(text, region) != null) {
        throw new PickleException("the zip archive holds '%s' twice".formatted(text));
      }
      directory.position(start + length);
    }
    return entries;
  }

  private static Extent directory(MappedFile file) throws PickleException {
    int tailLength = (int) Math.min(file.size(), END_BYTES + 0xffff);
    long tailStart = file.size() - tailLength;
    ByteBuffer tail = file.slice(tailStart, tailLength);
    int at = endRecord(tail);
    long size = tail.getInt(at + 12) & FULL;
    long offset = tail.getInt(at + 16) & FULL;
    boolean zip64 = size == FULL || offset == FULL || tail.getShort(at + 10) == -1;
    return zip64 ? directory64(file, tailStart + at - 20) : new Extent(offset, size);
  }

  /** The last end record that reaches the end of the file or, without one, the last before it. */
  private static int endRecord(ByteBuffer tail) throws PickleException {
    int last = -1;
    for (int at = tail.limit() - END_BYTES; at >= 0; at--) {
      if (tail.getInt(at) == END_SIGNATURE) {
        int end = at + END_BYTES + (tail.getShort(at + 20) & 0xffff);
        if (end == tail.limit()) {
          return at;
        }
        last = last < 0 && end < tail.limit() ? at : last;
      }
    }
    if (last < 0) {
      throw new PickleException(
          "the zip archive has no end record: the file is cut short, download it again");
    }
    return last;
  }

  private static Extent directory64(MappedFile file, long locatorOffset) throws PickleException {
    if (locatorOffset >= 0) {
      ByteBuffer locator = file.slice(locatorOffset, 20);
      Extent end = new Extent(locator.getLong(8), 56);
      if (locator.getInt(0) == END64_LOCATOR_SIGNATURE && isInside(file, end)) {
        ByteBuffer record = file.slice(end.offset(), 56);
        if (record.getInt(0) == END64_SIGNATURE) {
          return new Extent(record.getLong(48), record.getLong(40));
        }
      }
    }
    throw new PickleException("the zip archive's 64-bit end record is damaged");
  }

  private static FileRegion region(MappedFile file, String name, ByteBuffer fixed, ByteBuffer extra)
      throws PickleException {
    ByteBuffer entry = fixed.order(extra.order());
    if ((entry.getShort(8) & 1) != 0 || entry.getShort(10) != 0) {
      throw new PickleException(
          "zip entry '%s' is compressed or encrypted; save the tensors with torch.save alone"
              .formatted(PrintableText.of(name)));
    }
    ByteBuffer wide = zip64Field(extra);
    long size = wide(entry.getInt(24), wide);
    long stored = wide(entry.getInt(20), wide);
    long header = wide(entry.getInt(42), wide);
    Extent local = new Extent(header, LOCAL_BYTES);
    if (size != stored || !isInside(file, local)) {
      throw outside(name);
    }
    ByteBuffer bytes = file.slice(header, LOCAL_BYTES);
    long start =
        header + LOCAL_BYTES + (bytes.getShort(26) & 0xffff) + (bytes.getShort(28) & 0xffff);
    if (bytes.getInt(0) != LOCAL_SIGNATURE || !isInside(file, new Extent(start, size))) {
      throw outside(name);
    }
    return new FileRegion(file.path(), start, size);
  }

  /** The sizes and offset that do not fit into 32 bits, in that order; empty without them. */
  private static ByteBuffer zip64Field(ByteBuffer extra) throws PickleException {
    while (extra.remaining() >= 4) {
      int id = extra.getShort() & 0xffff;
      int length = extra.getShort() & 0xffff;
      if (length > extra.remaining()) {
        break;
      }
      ByteBuffer field = extra.slice(extra.position(), length).order(extra.order());
      if (id == 1) {
        return field;
      }
      extra.position(extra.position() + length);
    }
    return ByteBuffer.allocate(0);
  }

  private static long wide(int narrow, ByteBuffer zip64) throws PickleException {
    if (narrow != -1) {
      return narrow & FULL;
    }
    if (zip64.remaining() < Long.BYTES) {
      throw new PickleException("a zip entry lacks its 64-bit size");
    }
    return zip64.getLong();
  }

  private static boolean isInside(MappedFile file, Extent extent) {
    return extent.offset() >= 0
        && extent.length() >= 0
        && extent.offset() <= file.size() - extent.length();
  }

  private static PickleException outside(String name) {
    return new PickleException(
        "zip entry '%s' lies outside the file or is damaged".formatted(PrintableText.of(name)));
  }
}
