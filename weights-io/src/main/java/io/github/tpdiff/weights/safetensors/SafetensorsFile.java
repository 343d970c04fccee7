package io.github.tpdiff.weights.safetensors;

import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.FileRegion;
import io.github.tpdiff.weights.ForeignFile;
import io.github.tpdiff.weights.MappedFile;
import io.github.tpdiff.weights.Slices;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.safetensors.StrictJson.Malformed;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * One safetensors file. Opening reads and checks the header only; payloads are mapped when asked
 * for.
 */
public final class SafetensorsFile implements TensorSource {

  private final MappedFile file;
  private final SafetensorsHeader header;
  private final long dataStart;

  private SafetensorsFile(MappedFile file, SafetensorsHeader header, long dataStart) {
    this.file = file;
    this.header = header;
    this.dataStart = dataStart;
  }

  /**
   * Opens a file.
   *
   * @throws CheckpointException when the file is not exactly what the format allows, with the
   *     reason
   */
  public static SafetensorsFile open(Path path) {
    return of(MappedFile.open(path));
  }

  /**
   * Reads an opened file, which this closes.
   *
   * @throws CheckpointException as {@link #open}
   */
  public static SafetensorsFile of(MappedFile file) {
    try {
      int length = headerLength(file);
      byte[] json = new byte[length];
      file.slice(Long.BYTES, length).get(json);
      long dataStart = (long) Long.BYTES + length;
      SafetensorsHeader header = SafetensorsHeader.parse(json, file.size() - dataStart);
      return new SafetensorsFile(file, header, dataStart);
    } catch (Malformed malformed) {
      file.close();
      throw new CheckpointException(
          "%s: damaged safetensors header: %s".formatted(file.path(), malformed.getMessage()),
          malformed);
    } catch (RuntimeException failure) {
      file.close();
      throw failure;
    }
  }

  private static int headerLength(MappedFile file) throws Malformed {
    if (file.size() < Long.BYTES) {
      throw new Malformed(
          "expected at least 8 bytes, found %d%s".formatted(file.size(), hint(file)));
    }
    long length = file.slice(0, Long.BYTES).getLong();
    if (length < 0 || length > SafetensorsHeader.MAX_BYTES) {
      throw new Malformed(
          "expected a header of at most %d bytes, found %s%s"
              .formatted(SafetensorsHeader.MAX_BYTES, Long.toUnsignedString(length), hint(file)));
    }
    if (length > file.size() - Long.BYTES) {
      throw new Malformed(
          "expected a header of %d bytes, but the file has only %d%s"
              .formatted(length, file.size(), hint(file)));
    }
    return (int) length;
  }

  /** What a file that is no safetensors file at all seems to be. */
  private static String hint(MappedFile file) {
    return ForeignFile.describe(file).map(kind -> "; this is " + kind).orElse("");
  }

  @Override
  public Set<String> names() {
    return Collections.unmodifiableSet(header.entries().keySet());
  }

  @Override
  public Optional<TensorInfo> find(String name) {
    return Optional.ofNullable(header.entries().get(name)).map(SafetensorsHeader.Entry::info);
  }

  @Override
  public ByteBuffer bytes(String name, long offset, int length) {
    Slices.check(this, require(name), offset, length);
    file.requireUnchanged();
    return file.slice(region(name).orElseThrow().offset() + offset, length);
  }

  @Override
  public Optional<FileRegion> region(String name) {
    return Optional.ofNullable(header.entries().get(name))
        .map(
            entry ->
                new FileRegion(
                    file.path(), dataStart + entry.begin(), entry.end() - entry.begin()));
  }

  @Override
  public Map<String, String> metadata() {
    return Collections.unmodifiableMap(header.metadata());
  }

  @Override
  public String origin() {
    return file.path().toString();
  }

  @Override
  public void requireUnchanged() {
    file.requireUnchanged();
  }

  @Override
  public void close() {
    file.close();
  }
}
