package io.github.tpdiff.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class AtomicFolderTest {
  @TempDir private Path root;

  private List<String> names() throws IOException {
    try (var files = Files.list(root)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  @Test
  void folder_appearsWholeOrNotAtAll() throws IOException {
    Path target = root.resolve("a/b");
    try (var folder = AtomicFolder.create(target)) {
      Files.writeString(folder.path().resolve("x"), "1");
      assertThat(target).doesNotExist();
      folder.commit();
    }
    assertThat(target.resolve("x")).hasContent("1");
    try (var files = Files.list(root.resolve("a"))) {
      assertThat(files).containsExactly(target);
    }
    try (var files = Files.list(target)) {
      assertThat(files).containsExactly(target.resolve("x"));
    }
  }

  @Test
  void folderClosedUncommitted_leavesNothing() throws IOException {
    try (var folder = AtomicFolder.create(root.resolve("a"))) {
      Files.createDirectories(folder.path().resolve("deep/er"));
    }
    assertThat(names()).isEmpty();
  }

  @Test
  void takenName_isRefused() throws IOException {
    Path file = Files.writeString(root.resolve("file"), "precious");
    assertThatThrownBy(() -> AtomicFolder.create(file))
        .isInstanceOf(CheckpointException.class)
        .hasMessage(file + ": expected a new or empty folder, found a file");
    assertThatThrownBy(() -> AtomicFolder.create(root)).hasMessageContaining("found files in it");
    assertThat(file).hasContent("precious");
  }

  @Test
  void abandonedFolder_goesAtTheNextWrite_andALivingOneStays() throws IOException {
    Path abandoned = Files.createDirectory(root.resolve(".a." + UUID.randomUUID() + ".part"));
    Files.writeString(abandoned.resolve("model.safetensors"), "half");
    Path lock = Files.createFile(abandoned.resolve(".lock"));
    Files.setLastModifiedTime(lock, FileTime.from(Instant.now().minus(Duration.ofHours(1))));
    try (var living = AtomicFolder.create(root.resolve("a"))) {
      assertThat(abandoned).doesNotExist();
      Path own = living.path().resolve(".lock");
      Files.setLastModifiedTime(own, FileTime.from(Instant.now().minus(Duration.ofHours(1))));
      try (var second = AtomicFolder.create(root.resolve("a"))) {
        assertThat(living.path()).exists();
        second.commit();
      }
    }
    assertThat(names()).containsExactly("a");
  }
}
