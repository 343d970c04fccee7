package io.github.tpdiff.runtime.media;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RotationTest {
  /**
   * A mark at the top left of the stored picture, and where players show it; JavaCV counts left.
   */
  @ParameterizedTest
  @CsvSource({
    "0, 64, 48, TOP_LEFT",
    "90, 48, 64, TOP_RIGHT",
    "180, 64, 48, BOTTOM_RIGHT",
    "270, 48, 64, BOTTOM_LEFT"
  })
  void storedPicture_isTurnedClockwise(
      int degrees, int width, int height, Corner mark, @TempDir Path folder) throws IOException {
    var file = folder.resolve("turned.mp4");
    TestVideos.writeMarked(file, recorder -> recorder.setDisplayRotation(-degrees));
    var info = VideoReader.probe(file);
    assertThat(info.rotation()).isEqualTo(degrees);
    assertThat(info.width()).isEqualTo(width);
    assertThat(info.height()).isEqualTo(height);
    assertMark(VideoReader.readAll(file).frame(0), mark);
    var request = new ClipRequest(FrameCount.exactly(1), 8, width / 2, height / 2, 0);
    assertMark(ClipReader.first(file, request).clip().frame(0), mark);
  }

  private static void assertMark(VideoFrame frame, Corner mark) {
    for (var corner : Corner.values()) {
      int x = frame.width() * (corner.right ? 3 : 1) / 4;
      int y = frame.height() * (corner.bottom ? 3 : 1) / 4;
      float value = frame.data()[y * frame.width() + x];
      assertThat(value > 0)
          .as("%s of %s x %s", corner, frame.width(), frame.height())
          .isEqualTo(corner == mark);
    }
  }

  enum Corner {
    TOP_LEFT(false, false),
    TOP_RIGHT(true, false),
    BOTTOM_LEFT(false, true),
    BOTTOM_RIGHT(true, true);

    private final boolean right;
    private final boolean bottom;

    Corner(boolean right, boolean bottom) {
      this.right = right;
      this.bottom = bottom;
    }
  }
}
