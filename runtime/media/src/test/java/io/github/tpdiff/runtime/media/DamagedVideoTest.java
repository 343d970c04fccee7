package io.github.tpdiff.runtime.media;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DamagedVideoTest {
  @Test
  void truncatedVideo_saysHowManyFramesWereReadable(@TempDir Path folder) throws IOException {
    var file = truncated(folder.resolve("cut.mp4"));
    assertThatExceptionOfType(DamagedVideoException.class)
        .isThrownBy(() -> VideoReader.probe(file))
        .withMessageContaining(file.toString())
        .withMessageContaining("expected 30 frames")
        .satisfies(
            e -> {
              assertThat(e.readableFrames()).isBetween(10, 25).isEqualTo(readable(file));
              assertThat(e).hasMessageContaining(e.readableFrames() + " frames were readable");
            });
  }

  @Test
  void truncatedVideo_givesNoClip_unlessItEndsBeforeTheDamage(@TempDir Path folder)
      throws IOException {
    var file = truncated(folder.resolve("cut.mp4"));
    var all = new ClipRequest(FrameCount.exactly(30), 16, 32, 32, 0);
    assertThatExceptionOfType(DamagedVideoException.class)
        .isThrownBy(() -> ClipReader.first(file, all));
    var beginning = new ClipRequest(FrameCount.exactly(5), 16, 32, 32, 0);
    assertThat(ClipReader.first(file, beginning).clip().frames()).isEqualTo(5);
  }

  @Test
  void truncatedMatroska_isNoShorterVideo(@TempDir Path folder) throws IOException {
    var file = folder.resolve("cut.mkv");
    TestVideos.writeTimed(file, 30, f -> f / 8.0);
    byte[] bytes = Files.readAllBytes(file);
    Files.write(file, Arrays.copyOf(bytes, bytes.length / 2));
    assertThatExceptionOfType(DamagedVideoException.class)
        .isThrownBy(() -> VideoReader.probe(file))
        .withMessageContaining(file.toString());
  }

  @Test
  void overwrittenPictureData_isNoticed(@TempDir Path folder) throws IOException {
    var file = folder.resolve("noise.mp4");
    VideoWriter.write(file, TestVideos.moving(30, 64, 64, 16));
    byte[] bytes = Files.readAllBytes(file);
    var noise = new byte[bytes.length / 4];
    new Random(1).nextBytes(noise);
    System.arraycopy(noise, 0, bytes, bytes.length / 2, noise.length);
    Files.write(file, bytes);
    assertThatExceptionOfType(DamagedVideoException.class)
        .isThrownBy(() -> VideoReader.probe(file))
        .satisfies(e -> assertThat(e.readableFrames()).isBetween(5, 20));
  }

  @Test
  void fileWithoutVideo_isRefused_namingIt(@TempDir Path folder) throws IOException {
    var text = Files.writeString(folder.resolve("notes.mp4"), "not a video".repeat(100));
    assertThatThrownBy(() -> VideoReader.open(text))
        .isInstanceOf(IOException.class)
        .hasMessageContaining(text + ": expected a video");
    var empty = Files.createFile(folder.resolve("empty.mp4"));
    assertThatThrownBy(() -> VideoReader.open(empty)).hasMessageContaining(empty.toString());
    var missing = folder.resolve("missing.mp4");
    assertThatThrownBy(() -> VideoReader.open(missing))
        .hasMessage(missing + ": expected a video file, found none");
    assertThatThrownBy(() -> VideoReader.open(folder)).hasMessageContaining(folder.toString());
  }

  private static Path truncated(Path file) throws IOException {
    VideoWriter.write(file, TestVideos.moving(30, 64, 64, 16));
    byte[] bytes = Files.readAllBytes(file);
    Files.write(file, Arrays.copyOf(bytes, bytes.length * 6 / 10));
    return file;
  }

  private static int readable(Path file) {
    int frames = 0;
    try (var reader = VideoReader.open(file)) {
      while (reader.next().isPresent()) {
        frames++;
      }
      throw new AssertionError("the damage went unnoticed");
    } catch (IOException e) {
      return frames;
    }
  }
}
