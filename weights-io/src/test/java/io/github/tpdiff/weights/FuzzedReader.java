package io.github.tpdiff.weights;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * A reader under arbitrary bytes: it either refuses them in one line that names the file, or
 * everything it announces can be read.
 */
public final class FuzzedReader {

  /** The largest part of a tensor that is looked at: views may repeat a storage up to 2 GiB. */
  private static final int READ_BYTES = 1 << 16;

  /**
   * Mappings are only undone by the collector, which is not in a hurry: help before they run out.
   */
  private static final int FILES_PER_COLLECTION = 20_000;

  private final Path folder;
  private final Path file;
  private final Function<Path, ? extends TensorSource> reader;
  private int files;

  public FuzzedReader(Path folder, String fileName, Function<Path, ? extends TensorSource> reader) {
    this.folder = folder;
    this.file = folder.resolve(fileName);
    this.reader = reader;
  }

  /** Lets the reader open a file of these bytes and hands what it read to {@code further}. */
  public void read(byte[] content, Consumer<TensorSource> further) {
    if (++files % FILES_PER_COLLECTION == 0) {
      System.gc();
    }
    try {
      Files.deleteIfExists(file);
      Files.write(file, content);
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
    try (TensorSource source = reader.apply(file)) {
      readAll(source);
      further.accept(source);
    } catch (CheckpointException refused) {
      assertThat(refused)
          .hasMessageContaining(folder.toString())
          .hasMessageNotContaining("\n")
          .hasMessageNotContaining("\r");
      assertThat(refused.getMessage().length()).isLessThan(2_000);
    }
  }

  private static void readAll(TensorSource source) {
    assertThat(source.metadata()).isNotNull();
    for (String name : source.names()) {
      TensorInfo info = source.require(name);
      assertThat(info.name()).isEqualTo(name);
      int length = (int) Math.min(READ_BYTES, info.byteCount());
      ByteBuffer start = source.bytes(name, 0, length);
      ByteBuffer end = source.bytes(name, info.byteCount() - length, length);
      assertThat(start.remaining()).isEqualTo(length);
      if (info.byteCount() == length) {
        assertThat(start).isEqualTo(end);
        if (info.dtype().isFloating()) {
          assertThat((long) source.floats(name).length).isEqualTo(info.elementCount());
        }
      }
      source
          .region(name)
          .ifPresent(region -> assertThat(region.length()).isEqualTo(info.byteCount()));
    }
  }
}
