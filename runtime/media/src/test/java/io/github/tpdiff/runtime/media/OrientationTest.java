package io.github.tpdiff.runtime.media;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class OrientationTest {
  /**
   * Matrices of the eight ways, and the filters that ffmpeg applies for each: none, hflip, vflip,
   * hflip and vflip, transpose=clock, cclock, cclock_flip, clock_flip. Stored quarters are 0 1 over
   * 2 3.
   */
  @ParameterizedTest
  @CsvSource({
    "1, 0, 0, 1, 0123",
    "-1, 0, 0, 1, 1032",
    "1, 0, 0, -1, 2301",
    "-1, 0, 0, -1, 3210",
    "0, 1, -1, 0, 2031",
    "0, -1, 1, 0, 1302",
    "0, 1, 1, 0, 0213",
    "0, -1, -1, 0, 3120",
    // scaled for the display, not quite straight, and empty: shown as ffmpeg does
    "-2, 0, 0, 2, 1032",
    "0.00524, -0.99998, -0.99998, -0.00524, 3120",
    "0, 0, 0, 0, 0123",
  })
  void storedPicture_isShownAsItsMatrixSays(
      double a, double b, double c, double d, String quarters, @TempDir Path folder)
      throws IOException {
    var file = folder.resolve("turned.mp4");
    TestVideos.writeQuarters(file, recorder -> {});
    TestVideos.setMatrix(file, new double[] {a, b, 0, c, d, 0, 64, 48, 1});
    var shown = VideoReader.readAll(file).frame(0);
    assertThat(TestVideos.quarters(shown)).isEqualTo(quarters);
    var info = VideoReader.probe(file);
    assertThat(shown.width())
        .isEqualTo(info.width())
        .isEqualTo(Math.abs(a) >= Math.abs(b) ? 64 : 48);
    assertThat(shown.height()).isEqualTo(info.height()).isEqualTo(112 - info.width());
    var request = new ClipRequest(FrameCount.exactly(1), 8, info.width() / 2, info.height() / 2, 0);
    assertThat(TestVideos.quarters(ClipReader.first(file, request).clip().frame(0)))
        .isEqualTo(quarters);
  }

  @ParameterizedTest
  @CsvSource({
    "1, 0.5, 0, 0, 1", // slants
    "0.7071, 0.7071, 0, -0.7071, 0.7071", // 45 degrees
    "0.9986, 0.0523, 0, -0.0523, 0.9986", // 3 degrees
    "1, 0, 0, 0, 0", // flattens
    "1, 1, 0, 1, 1",
    "0, 1, 0, 0, 1",
    "1, 0, 0.5, 0, 1", // shortens with distance
  })
  void otherMatrices_areRefused_namingFileAndMatrix(
      double a, double b, double u, double c, double d, @TempDir Path folder) throws IOException {
    var file = folder.resolve("slanted.mp4");
    TestVideos.writeQuarters(file, recorder -> {});
    TestVideos.setMatrix(file, new double[] {a, b, u, c, d, 0, 0, 0, 1});
    assertThatThrownBy(() -> VideoReader.probe(file))
        .isInstanceOf(IOException.class)
        .hasMessageContaining(
            file + ": display matrix: expected quarter turns and mirrors, found [");
  }

  @Test
  void wideDisplay_isPixelsOfThatShape(@TempDir Path folder) throws IOException {
    var file = folder.resolve("wide.mp4");
    TestVideos.writeQuarters(file, recorder -> {});
    TestVideos.setMatrix(file, new double[] {-2, 0, 0, 0, 1, 0, 0, 0, 1});
    var request = new ClipRequest(FrameCount.exactly(1), 8, 128, 48, 0);
    var extracted = ClipReader.first(file, request);
    assertThat(extracted.report().cutColumns()).isZero();
    assertThat(extracted.report().cutRows()).isZero();
    assertThat(TestVideos.quarters(extracted.clip().frame(0))).isEqualTo("1032");
  }

  /** What ffmpeg before 5.0 wrote to Matroska files. */
  @ParameterizedTest
  @CsvSource({"0, 0123", "90, 2031", "180, 3210", "270, 1302", "-90, 1302", "450.0, 2031"})
  void rotateTag_ofFilesWithoutMatrix_isFollowed(
      String degrees, String quarters, @TempDir Path folder) throws IOException {
    var file = folder.resolve("tagged.mkv");
    TestVideos.writeQuarters(file, recorder -> recorder.setVideoMetadata("rotate", degrees));
    assertThat(TestVideos.quarters(VideoReader.readAll(file).frame(0))).isEqualTo(quarters);
  }

  @ParameterizedTest
  @CsvSource({"45", "left", "NaN"})
  void rotateTag_ofAnotherAngle_isRefused(String degrees, @TempDir Path folder) throws IOException {
    var file = folder.resolve("tagged.mkv");
    TestVideos.writeQuarters(file, recorder -> recorder.setVideoMetadata("rotate", degrees));
    assertThatThrownBy(() -> VideoReader.probe(file))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("tag rotate: expected quarter turns in degrees, found '" + degrees);
  }
}
