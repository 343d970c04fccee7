package io.github.tpdiff.lora.train;

import io.github.tpdiff.weights.AtomicFile;
import io.github.tpdiff.weights.CheckpointException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Clock;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.CRC32C;

/**
 * A file of TensorBoard events: TFRecords of {@code Event} messages, each written as soon as it is
 * told, so that a killed run loses none. Readers pass over a record that was torn.
 *
 * <p>Formats: {@code tensorflow/core/lib/io/record_writer.h}, {@code
 * tensorboard/compat/proto/event.proto} and {@code summary.proto}.
 */
final class EventFile implements AutoCloseable {
  private static final Pattern NAME = Pattern.compile("events\\.out\\.tfevents\\.(\\d{10})\\..*");

  private static final int WALL_TIME = 1;
  private static final int STEP = 2;
  private static final int FILE_VERSION = 3;
  private static final int SUMMARY = 5;
  private static final int SESSION_LOG = 7;

  private static final int SUMMARY_VALUE = 1;
  private static final int STATUS = 1;
  private static final int START = 1;

  private final Path file;
  private final Clock clock;
  private final FileChannel channel;

  private EventFile(Path file, Clock clock) throws IOException {
    this.file = file;
    this.clock = clock;
    channel = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
  }

  /**
   * Begins the next file of a folder. Readers take a folder's files by name, so that it comes after
   * those of earlier runs even if the clock was set back.
   *
   * @param step from which on readers forget what those say
   * @param clock of the events
   */
  static EventFile open(Path folder, int step, Clock clock) {
    try {
      Files.createDirectories(folder);
      var opened = new EventFile(folder.resolve(nextName(folder, clock)), clock);
      opened.write(opened.event(0).text(FILE_VERSION, "brain.Event:2"));
      opened.write(
          opened.event(step).message(SESSION_LOG, new ProtoMessage().number(STATUS, START)));
      return opened;
    } catch (IOException failure) {
      throw failure(folder, failure);
    }
  }

  private static String nextName(Path folder, Clock clock) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      long last =
          files
              .map(path -> NAME.matcher(path.getFileName().toString()))
              .filter(Matcher::matches)
              .mapToLong(name -> Long.parseLong(name.group(1)))
              .max()
              .orElse(0);
      long now = Math.max(clock.instant().getEpochSecond(), last + 1);
      return String.format(Locale.ROOT, "events.out.tfevents.%010d.tpdiff", now);
    }
  }

  /**
   * Writes an event of values.
   *
   * @param values {@code Summary.Value} messages, not empty
   */
  void write(int step, Iterable<ProtoMessage> values) {
    var summary = new ProtoMessage();
    values.forEach(value -> summary.message(SUMMARY_VALUE, value));
    try {
      write(event(step).message(SUMMARY, summary));
    } catch (IOException failure) {
      throw failure(file, failure);
    }
  }

  private ProtoMessage event(int step) {
    return new ProtoMessage().float64(WALL_TIME, clock.millis() / 1000.0).number(STEP, step);
  }

  private void write(ProtoMessage event) throws IOException {
    byte[] data = event.toBytes();
    ByteBuffer length =
        ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN).putLong(0, data.length);
    ByteBuffer record =
        ByteBuffer.allocate(Long.BYTES + data.length + 2 * Integer.BYTES)
            .order(ByteOrder.LITTLE_ENDIAN)
            .put(length.array())
            .putInt(maskedChecksum(length.array()))
            .put(data)
            .putInt(maskedChecksum(data))
            .flip();
    while (record.hasRemaining()) {
      channel.write(record);
    }
  }

  /** Masked, so that a checksum of what holds checksums is still one. */
  private static int maskedChecksum(byte[] data) {
    var checksum = new CRC32C();
    checksum.update(data);
    return Integer.rotateRight((int) checksum.getValue(), 15) + 0xa282ead8;
  }

  void force() {
    try {
      channel.force(false);
    } catch (IOException failure) {
      throw failure(file, failure);
    }
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException failure) {
      throw failure(file, failure);
    }
  }

  private static CheckpointException failure(Path file, IOException failure) {
    return new CheckpointException(
        "%s: cannot be written: %s".formatted(file, AtomicFile.reason(failure)), failure);
  }
}
