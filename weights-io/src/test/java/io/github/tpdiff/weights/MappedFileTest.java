package io.github.tpdiff.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tpdiff.weights.checkpoint.Checkpoint;
import io.github.tpdiff.weights.safetensors.SafetensorsFile;
import io.github.tpdiff.weights.safetensors.SafetensorsWriter;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MappedFileTest {
  @TempDir private Path folder;
  private Path file;

  @BeforeEach
  void write() {
    file = folder.resolve("weights.safetensors");
    SafetensorsWriter.write(
        file,
        MemoryTensors.builder().addFloats("a", List.of(100_000L), new float[100_000]).build());
  }

  @Test
  void aFileCutShort_isNamedBeforeItIsRead() throws IOException {
    try (TensorSource source = SafetensorsFile.open(file)) {
      assertThatCode(source::requireUnchanged).doesNotThrowAnyException();
      cut(1000);
      String message =
          file + ": changed while in use; leave it as it is until the command has ended";
      assertThatThrownBy(source::requireUnchanged)
          .isInstanceOf(CheckpointException.class)
          .hasMessage(message);
      assertThatThrownBy(() -> source.bytes("a")).hasMessage(message);
    }
  }

  @Test
  void aFileWrittenOver_isNamed() throws IOException {
    try (TensorSource source = SafetensorsFile.open(file)) {
      Files.setLastModifiedTime(file, FileTime.fromMillis(1));
      assertThatThrownBy(source::requireUnchanged).hasMessageContaining("changed while in use");
    }
  }

  @Test
  void aFileReplacedByRenaming_isStillTheOldOne() throws IOException {
    try (TensorSource source = SafetensorsFile.open(file)) {
      Path other = folder.resolve("other");
      Files.writeString(other, "other");
      Files.move(other, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      assertThatCode(source::requireUnchanged).doesNotThrowAnyException();
      Files.delete(file);
      assertThat(source.bytes("a").remaining()).isEqualTo(400_000);
    }
  }

  @Test
  void viewsOfACheckpoint_seeTheChange() throws IOException {
    TensorSource source = Checkpoint.open(file);
    List<TensorSource> views =
        List.of(
            source,
            source.renamed(name -> Optional.of("b." + name)),
            source.finite(),
            source.overlaid(MemoryTensors.builder().build()),
            MemoryTensors.builder().build().overlaid(source));
    cut(1000);
    for (TensorSource view : views) {
      assertThatThrownBy(view::requireUnchanged).hasMessageContaining("changed while in use");
    }
    source.close();
  }

  @Test
  void aSmallCheckpointCutShort_endsNoProcessThatReadsItOn() throws IOException {
    try (TensorSource source = Checkpoint.open(file)) {
      var bytes = source.bytes("a");
      cut(10);
      for (int i = 0; i < bytes.remaining(); i++) {
        assertThat(bytes.get(i)).isZero();
      }
    }
  }

  private void cut(long length) throws IOException {
    try (RandomAccessFile open = new RandomAccessFile(file.toFile(), "rw")) {
      open.setLength(length);
    }
  }
}
