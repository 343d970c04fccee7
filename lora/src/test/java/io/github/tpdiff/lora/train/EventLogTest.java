package io.github.tpdiff.lora.train;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.hash.Hashing;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Event files against those that TensorBoard's own writer makes. */
final class EventLogTest {
  /** 3 x 2 pixels. */
  private static final String PNG =
      "iVBORw0KGgoAAAANSUhEUgAAAAMAAAACCAIAAAASFvFNAAAAEElEQVR42mMQUDCAIAY4CwAV1AJB3IXChQAAAABJRU5"
          + "ErkJggg==";

  /**
   * By tensorboard 2.21: {@code RecordWriter} of {@code Event} messages at wall time 1796044758.25,
   * a version, a session's start, a summary of nine scalars and one of an image.
   */
  private static final String WANTED =
      "GAAAAAAAAACjf0siCQAAkPVdw9pBGg1icmFpbi5FdmVudDoyQ16e/xAAAAAAAAAAlfv+GAkAAJD1XcPaQRCtAjoCCAE5GW"
          + "Ei1wAAAAAAAADlolxpCQAAkPVdw9pBEK0CKsgBChMKDGxvc3MvY3VycmVudBUAAEA/ChMKDGxvc3MvYXZlcmFnZRUA"
          + "ACA/ChMKDGxvc3Mvc3RhZ2VfMhUAAEA/ChsKFGxvc3MvYXZlcmFnZV9zdGFnZV8yFQAAAD8KGwoUbG9zcy9hdmVyYW"
          + "dlX3N0YWdlXzEVAABAPwoOCgdsci91bmV0FQAAAAAKFAoNbm9ybS9ncmFkaWVudBUAACBAChkKEnZhbGlkYXRpb24v"
          + "c3RhZ2VfMRUAAAA+CgwKBWVwb2NoFQAAwD8PLP5vbgAAAAAAAADEvzNkCQAAkPVdw9pBEK0CKmAKXgoJc2FtcGxlcy"
          + "8xIlEIAhADGAMiSYlQTkcNChoKAAAADUlIRFIAAAADAAAAAggCAAAAEhbxTQAAABBJREFUeNpjEFAwgCAGOAsAFdQC"
          + "QdyFwoUAAAAASUVORK5CYIKx0b6Z";

  private static final Clock CLOCK =
      Clock.fixed(Instant.ofEpochMilli(1_796_044_758_250L), ZoneOffset.UTC);

  @TempDir private Path folder;

  /** The records of a file: the events, and whether each checksum is right. */
  static List<byte[]> records(Path file) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    var records = new ArrayList<byte[]>();
    while (bytes.hasRemaining()) {
      int start = bytes.position();
      long length = bytes.getLong();
      assertThat(bytes.getInt()).isEqualTo(masked(bytes.array(), start, Long.BYTES));
      var record = new byte[(int) length];
      bytes.get(record);
      assertThat(bytes.getInt()).isEqualTo(masked(record, 0, record.length));
      records.add(record);
    }
    return records;
  }

  private static int masked(byte[] data, int from, int length) {
    int checksum = Hashing.crc32c().hashBytes(data, from, length).asInt();
    return ((checksum >>> 15) | (checksum << 17)) + 0xa282ead8;
  }

  private RunLog.Start start(int step) {
    return new RunLog.Start(folder, 2, 400, step);
  }

  @Test
  void rowAndSample_areTheBytesThatTensorBoardWrites() throws IOException {
    Map<Integer, Double> smoothed = new LinkedHashMap<>();
    smoothed.put(2, 0.5);
    smoothed.put(1, 0.75);
    try (EventLog log = EventLog.open(start(300), CLOCK)) {
      log.row(
          new LogRow(
              301,
              1.5,
              OptionalDouble.of(0.75),
              Map.of(2, 0.75),
              smoothed,
              OptionalDouble.of(0),
              OptionalDouble.of(2.5),
              Map.of(1, 0.125)));
      byte[] png = Base64.getDecoder().decode(PNG);
      log.sampled(new SampleShown(301, 1, folder.resolve("x.mp4"), png));
    }
    Path file = folder.resolve("events.out.tfevents.1796044758.tpdiff");
    assertThat(file).hasBinaryContent(Base64.getDecoder().decode(WANTED));
    assertThat(records(file)).hasSize(4);
  }

  /** Readers take files by name, and forget what earlier ones said from the step of the next on. */
  @Test
  void laterRun_isReadAfterTheEarlierOneThoughTheClockStandsStill() throws IOException {
    EventLog.open(start(0), CLOCK).close();
    EventLog.open(start(300), CLOCK).close();
    EventLog.open(start(0), Clock.offset(CLOCK, java.time.Duration.ofDays(-1))).close();
    try (var files = Files.list(folder)) {
      assertThat(files.map(file -> file.getFileName().toString()).sorted())
          .containsExactly(
              "events.out.tfevents.1796044758.tpdiff",
              "events.out.tfevents.1796044759.tpdiff",
              "events.out.tfevents.1796044760.tpdiff");
    }
  }

  @Test
  void everyEventIsInTheFileAsSoonAsItIsTold() throws IOException {
    try (EventLog log = EventLog.open(start(0), CLOCK)) {
      log.row(LogRow.started(Map.of(2, 1.0)));
      assertThat(records(folder.resolve("events.out.tfevents.1796044758.tpdiff"))).hasSize(3);
    }
  }
}
