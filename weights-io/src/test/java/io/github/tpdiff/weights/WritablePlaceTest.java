package io.github.tpdiff.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

class WritablePlaceTest {
  @TempDir private Path folder;

  @Test
  void placesThatCanBeWritten_areLeftAsTheyWere() throws IOException {
    WritablePlace.requireFile(folder.resolve("a/b/file"));
    WritablePlace.requireFolder(folder.resolve("a/b"));
    WritablePlace.requireNewFolder(folder.resolve("a/b"));
    WritablePlace.requireFolder(folder);
    WritablePlace.requireNewFolder(folder);
    try (Stream<Path> files = Files.list(folder)) {
      assertThat(files).isEmpty();
    }
  }

  @Test
  void fileOnTheWay_isNamed() throws IOException {
    Path file = Files.createFile(folder.resolve("taken"));
    for (Consumer<Path> require :
        List.<Consumer<Path>>of(
            WritablePlace::requireFile,
            WritablePlace::requireFolder,
            WritablePlace::requireNewFolder)) {
      Path target = file.resolve("x/y");
      assertThatThrownBy(() -> require.accept(target))
          .isInstanceOf(CheckpointException.class)
          .hasMessage(target + ": cannot be written: expected a folder, found a file: " + file);
    }
  }

  @Test
  void whatIsThereAndOfTheWrongKind_isRefused() throws IOException {
    Path file = Files.createFile(folder.resolve("taken"));
    assertThatThrownBy(() -> WritablePlace.requireFile(folder))
        .hasMessage(folder + ": expected the path of a file, found a folder");
    assertThatThrownBy(() -> WritablePlace.requireFolder(file))
        .hasMessageContaining("expected a folder, found a file");
    assertThatThrownBy(() -> WritablePlace.requireNewFolder(file))
        .hasMessage(file + ": expected a new or empty folder, found a file");
    assertThatThrownBy(() -> WritablePlace.requireNewFolder(folder))
        .hasMessageContaining("expected a new or empty folder, found files in it");
  }

  /** Nobody can write there, the administrator neither. */
  @Test
  @EnabledOnOs(OS.LINUX)
  void folderThatNobodyCanWriteTo_isRefused() {
    assertThatThrownBy(() -> WritablePlace.requireFile(Path.of("/proc/self/file")))
        .hasMessageStartingWith("/proc/self/file: cannot be written: ");
  }

  @Test
  void foldersForNativeCode_areMadeForTheirOwnerAlone() throws IOException {
    Path cache = folder.resolve("cache/djl");
    new NativeFolder(cache, "used", "remedy").require();
    assertThat(cache).isEmptyDirectory();
    if (cache.getFileSystem().supportedFileAttributeViews().contains("posix")) {
      assertThat(Files.getPosixFilePermissions(cache)).hasSize(3);
    }
  }

  @Test
  void nativeCodeWithoutAFolder_namesItTheReasonAndTheRemedy() throws IOException {
    Path file = Files.createFile(folder.resolve("taken"));
    var place = new NativeFolder(file.resolve("djl"), "libraries are unpacked there", "set THIS");
    assertThatThrownBy(place::require)
        .isInstanceOf(CheckpointException.class)
        .hasMessageStartingWith(file.resolve("djl") + ": cannot be written: ")
        .hasMessageEndingWith("libraries are unpacked there, so set THIS");
  }

  @Test
  void foldersForNativeCode_areNeverThoseThatEveryoneWritesTo() {
    String home = System.getProperty("user.home");
    Path temporary = Path.of(System.getProperty("java.io.tmpdir"));
    try {
      System.setProperty("user.home", folder.resolve("nobody").toString());
      assertThat(NativeFolder.djl().folder()).startsWithRaw(folder);
      assertThat(NativeFolder.ffmpeg().folder().getParent()).isNotEqualTo(temporary);
    } finally {
      System.setProperty("user.home", home);
      System.clearProperty("org.bytedeco.javacpp.cachedir");
    }
  }

  @Test
  void libraryThatDoesNotLoad_isToldByItsFirstCause() {
    var missing = new UnsatisfiedLinkError("libtorch_cuda.so: libcuda.so.1: cannot open");
    assertThat(
            NativeFolder.temporary()
                .cannotLoad("PyTorch", new IllegalStateException("Failed to load", missing)))
        .hasMessageContaining(
            "PyTorch cannot be loaded from it: libtorch_cuda.so: libcuda.so.1: cannot open")
        .hasMessageNotContaining("Failed to load");
  }
}
