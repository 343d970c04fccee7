package io.github.tpdiff.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import io.github.tpdiff.weights.WriterProcess.Kind;
import io.github.tpdiff.weights.checkpoint.Checkpoint;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Whatever happens to a writer, the final name shows the old version or the whole new one. */
@Timeout(60)
class InterruptedWritingTest {

  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({
    "BYTES, 1",
    "BYTES, 4",
    "FILE, 2",
    "FILE, 5",
    "FILE, 6",
    "FILE, 13",
    "SHARDS, 3",
    "SHARDS, 12",
    "LORA, 1",
    "LORA, 4",
    "PEFT, 1",
    "PEFT, 3",
    "PEFT, 6",
    "CONVERTED, 2",
    "CONVERTED, 5"
  })
  void killedWriter_leavesAWholeVersion(Kind kind, int steps) throws Exception {
    kind.write(folder, 100);
    Process writer = start(WriterProcess.command(kind, folder, 1, 100));
    try (BufferedReader lines = writer.inputReader(StandardCharsets.UTF_8)) {
      for (int i = 0; i < steps; i++) {
        assertThat(lines.readLine()).isEqualTo("step");
      }
    } finally {
      writer.destroyForcibly().waitFor();
    }
    boolean several = kind == Kind.SHARDS || kind == Kind.CONVERTED;
    if (several && Files.notExists(kind.file(folder))) {
      // Killed while several files got their names: they are one version, or no checkpoint.
      assertThat(versionsWithoutIndex()).hasSizeLessThanOrEqualTo(1);
    } else {
      assertThat(kind.read(folder)).isBetween(1, 100);
    }
  }

  /** Of shards that no index holds together; none where they are refused. */
  private Set<Byte> versionsWithoutIndex() {
    try (TensorSource source = Checkpoint.open(folder)) {
      return source.names().stream()
          .map(name -> source.bytes(name).get(0))
          .collect(Collectors.toSet());
    } catch (CheckpointException refused) {
      assertThat(refused).hasMessageContaining("expected ");
      return Set.of();
    }
  }

  @Test
  void shardsWithoutAnIndex_areRefusedWhileOneIsNotFinished() throws IOException {
    Kind.SHARDS.write(folder, 3);
    Files.delete(Kind.SHARDS.file(folder));
    assertThat(versionsWithoutIndex()).containsExactly((byte) 3);
    Path shard;
    try (var files = Files.list(folder)) {
      shard =
          files.filter(file -> file.toString().endsWith(".safetensors")).findFirst().orElseThrow();
    }
    try (AtomicFile unfinished = AtomicFile.create(shard)) {
      assertThatThrownBy(() -> Checkpoint.open(folder).close())
          .isInstanceOf(CheckpointException.class)
          .hasMessageContaining("was not finished");
      unfinished.write(0, ByteBuffer.wrap(new byte[] {1}));
    }
    assertThat(versionsWithoutIndex()).containsExactly((byte) 3);
  }

  @ParameterizedTest
  @EnumSource(Kind.class)
  void whatAKilledWriterLeft_goesWithTheNextWriteOfTheName(Kind kind) throws Exception {
    Process writer =
        new ProcessBuilder(WriterProcess.command(kind, folder, 1, 1000))
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    try {
      while (parts().isEmpty()) {
        assertThat(writer.isAlive()).as("writing").isTrue();
      }
    } finally {
      writer.destroyForcibly().waitFor();
    }
    FileTime longAgo = FileTime.from(Instant.now().minus(Duration.ofHours(1)));
    for (Path part : parts()) {
      Files.setLastModifiedTime(part, longAgo);
    }
    kind.write(folder, 7);
    assertThat(kind.read(folder)).isEqualTo(7);
    assertThat(parts()).isEmpty();
  }

  @Test
  void fileStillBeingWritten_isNotTakenForAbandoned() throws IOException {
    Path target = folder.resolve("x");
    try (AtomicFile slow = AtomicFile.create(target)) {
      for (Path part : parts()) {
        Files.setLastModifiedTime(part, FileTime.from(Instant.EPOCH));
      }
      AtomicFile.write(target, new byte[] {1});
      slow.write(0, ByteBuffer.wrap(new byte[] {2}));
      slow.commit();
    }
    assertThat(target).hasBinaryContent(new byte[] {2});
    assertThat(parts()).isEmpty();
  }

  @ParameterizedTest
  @EnumSource(Kind.class)
  void twoWritersOfOneName_leaveAWholeVersionOfOne(Kind kind) throws Exception {
    Process first = start(WriterProcess.command(kind, folder, 1, 15));
    Process second = start(WriterProcess.command(kind, folder, 61, 15));
    first.inputReader().lines().forEach(line -> {});
    second.inputReader().lines().forEach(line -> {});
    assertThat(first.waitFor()).isZero();
    assertThat(second.waitFor()).isZero();
    assertThat(kind.read(folder)).isIn(15, 75);
    assertThat(parts()).isEmpty();
  }

  @ParameterizedTest
  @EnumSource(Kind.class)
  @EnabledOnOs(OS.LINUX)
  void fullDisk_isReportedInOneLineAndLeavesTheOldVersion(Kind kind) throws Exception {
    Path disk = Files.createDirectory(folder.resolve("disk"));
    Path kept = Files.createDirectory(folder.resolve("kept"));
    kind.write(kept, 5);
    // Room for the old version and half of a new one.
    List<String> command =
        new ArrayList<>(
            List.of(
                "unshare",
                "--mount",
                "--map-root-user",
                "sh",
                "-c",
                """
                mount -t tmpfs -o size=%dk none "$0" && cp -a "$1"/. "$0" || exit 9
                disk=$0; kept=$1; shift; "$@"; code=$?
                rm -rf "$kept"/* && cp -a "$disk"/. "$kept" && exit $code
                """
                    .formatted(bytesIn(kept) * 3 / 2 / 1024)));
    command.addAll(List.of(disk.toString(), kept.toString()));
    command.addAll(WriterProcess.command(kind, disk, 1, 1));
    String error = errorOf(start(command));
    assertThat(error).startsWith(disk.toString()).contains("cannot be written: No space left");
    assertThat(kind.read(kept)).isEqualTo(5);
    try (Stream<Path> files = Files.list(kept)) {
      assertThat(files.filter(file -> file.getFileName().toString().startsWith("."))).isEmpty();
    }
  }

  @ParameterizedTest
  @EnumSource(Kind.class)
  @EnabledOnOs(OS.LINUX)
  void readOnlyFolder_keepsItsVersionAndIsReportedInOneLine(Kind kind) throws Exception {
    kind.write(folder, 5);
    // A mount that cannot be written refuses even root, whom permissions do not stop.
    List<String> command =
        new ArrayList<>(
            List.of(
                "unshare",
                "--mount",
                "--map-root-user",
                "sh",
                "-c",
                "mount --bind \"$0\" \"$0\" && mount -o remount,ro,bind \"$0\" && exec \"$@\"",
                folder.toString()));
    command.addAll(WriterProcess.command(kind, folder, 1, 1));
    String error = errorOf(start(command));
    assertThat(error)
        .startsWith(folder.toString())
        .contains("cannot be written: Read-only file system");
    assertThat(kind.read(folder)).isEqualTo(5);
    assertThat(parts()).isEmpty();
  }

  @ParameterizedTest
  @EnumSource(Kind.class)
  @EnabledOnOs(OS.LINUX)
  void fileThatOutgrowsItsLimit_isReportedInOneLineAndLeavesTheOldVersion(Kind kind)
      throws Exception {
    kind.write(folder, 5);
    List<String> command = new ArrayList<>(List.of("sh", "-c", "ulimit -f 200; exec \"$@\"", "sh"));
    command.addAll(WriterProcess.command(kind, folder, 1, 1));
    String error = errorOf(start(command));
    assertThat(error).startsWith(folder.toString()).contains("cannot be written: File too large");
    assertThat(kind.read(folder)).isEqualTo(5);
    assertThat(parts()).isEmpty();
  }

  @Test
  void readOnlyFolder_isReportedInOneLine() {
    assertThat(folder.toFile().setWritable(false)).isTrue();
    assumeFalse(Files.isWritable(folder), "this user may write everywhere");
    Path target = folder.resolve("x.safetensors");
    assertThatThrownBy(() -> AtomicFile.write(target, new byte[1]))
        .isInstanceOf(CheckpointException.class)
        .hasMessage(target + ": cannot be written: access denied to " + folder);
  }

  @Test
  void folderThatIsAFile_isReportedInOneLine() throws IOException {
    Path file = Files.createFile(folder.resolve("file"));
    Path target = file.resolve("x.safetensors");
    assertThatThrownBy(() -> AtomicFile.write(target, new byte[1]))
        .isInstanceOf(CheckpointException.class)
        .hasMessage(target + ": cannot be written: expected a folder, found a file: " + file);
  }

  @Test
  void nameOfAFolder_isRefused() {
    assertThatThrownBy(() -> AtomicFile.write(folder, new byte[1]))
        .isInstanceOf(CheckpointException.class)
        .hasMessage(folder + ": expected the path of a file, found a folder");
  }

  /** The one line of a writer that ends with exit code 2. */
  private static String errorOf(Process writer) throws Exception {
    writer.inputReader().lines().forEach(line -> {});
    String error = new String(writer.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
    int code = writer.waitFor();
    assumeFalse(error.contains("unshare") || error.contains("mount"), "this user may not mount");
    assertThat(code).as(error).isEqualTo(2);
    assertThat(error.lines()).hasSize(1);
    return error;
  }

  private static Process start(List<String> command) throws IOException {
    return new ProcessBuilder(command).start();
  }

  private static long bytesIn(Path folder) throws IOException {
    long bytes = 0;
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.toList()) {
        bytes += Files.size(file);
      }
    }
    return bytes;
  }

  private List<Path> parts() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.filter(file -> file.getFileName().toString().startsWith(".")).toList();
    }
  }
}
