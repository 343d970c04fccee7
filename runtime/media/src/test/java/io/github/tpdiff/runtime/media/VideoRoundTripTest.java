package io.github.tpdiff.runtime.media;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.tpdiff.runtime.video.VideoClip;
import io.github.tpdiff.runtime.video.VideoFormat;
import io.github.tpdiff.runtime.video.VideoFrame;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class VideoRoundTripTest {
  @Test
  void movingColours_readBackAboveThirtyFiveDecibels(@TempDir Path folder) throws IOException {
    var clip = TestVideos.moving(17, 64, 96, 16);
    var file = folder.resolve("clip.mp4");
    VideoWriter.write(file, clip);
    var back = VideoReader.readAll(file);
    assertThat(back.frames()).isEqualTo(17);
    assertThat(back.width()).isEqualTo(96);
    assertThat(back.height()).isEqualTo(64);
    assertThat(TestVideos.psnr(clip.data(), back.data())).isGreaterThan(35);
  }

  @Test
  void frames_readBackInOrder(@TempDir Path folder) throws IOException {
    var file = folder.resolve("clip.mp4");
    VideoWriter.write(file, TestVideos.numbered(30, 48, 64, 30));
    assertThat(TestVideos.numbers(VideoReader.readAll(file)))
        .containsExactlyElementsOf(java.util.stream.IntStream.range(0, 30).boxed().toList());
  }

  /** 3 levels of 255: rounding in 4:2:0 limited range; a wrong matrix is off by 20 and more. */
  @Test
  void primaryColours_keepTheirValues(@TempDir Path folder) throws IOException {
    var frames =
        List.of(
            TestVideos.plain(32, 32, 0.8f, -0.8f, -0.8f),
            TestVideos.plain(32, 32, -0.8f, 0.8f, -0.8f),
            TestVideos.plain(32, 32, -0.8f, -0.8f, 0.8f));
    var clip = VideoClip.of(frames, 8);
    var file = folder.resolve("colours.mp4");
    VideoWriter.write(file, clip);
    var back = VideoReader.readAll(file).data();
    for (int i = 0; i < back.length; i++) {
      assertThat(back[i]).isEqualTo(clip.data()[i], within(3 / 127.5f));
    }
  }

  @ParameterizedTest
  @ValueSource(doubles = {8, 16, 23.976, 30000 / 1001.0, 60})
  void rate_isKept(double fps, @TempDir Path folder) throws IOException {
    var file = folder.resolve("clip.mp4");
    VideoWriter.write(file, TestVideos.numbered(9, 32, 32, fps));
    var info = VideoReader.probe(file);
    assertThat(info.fps()).isEqualTo(fps, within(1e-3));
    assertThat(info.variableFrameRate()).isFalse();
    assertThat(info.frames()).isEqualTo(9);
    assertThat(info.seconds()).isEqualTo(9 / fps, within(1e-3));
  }

  @Test
  void usualSize_isWrittenAsH264_andTinyOnesAsMpeg4(@TempDir Path folder) throws IOException {
    var usual = folder.resolve("usual.mp4");
    VideoWriter.write(usual, TestVideos.numbered(3, 32, 32, 8));
    assertThat(VideoReader.probe(usual).codec()).isEqualTo("h264");
    var tiny = folder.resolve("tiny.mp4");
    VideoWriter.write(tiny, TestVideos.numbered(5, 8, 8, 8));
    assertThat(VideoReader.probe(tiny).codec()).isEqualTo("mpeg4");
    assertThat(TestVideos.numbers(VideoReader.readAll(tiny))).containsExactly(0, 1, 2, 3, 4);
  }

  @Test
  void oddSize_isRefused_withWhatWasExpected() {
    assertThatThrownBy(() -> new VideoFormat(65, 64, 16))
        .hasMessage("video size: expected even width and height of at least 2, found 65 x 64");
  }

  @Test
  void frameOfAnotherSize_isRefused_andLeavesNoFile(@TempDir Path folder) throws IOException {
    var file = folder.resolve("clip.mp4");
    try (var writer = VideoWriter.open(file, new VideoFormat(32, 32, 8))) {
      writer.write(TestVideos.plain(32, 32, 0, 0, 0));
      assertThatThrownBy(() -> writer.write(TestVideos.plain(32, 64, 0, 0, 0)))
          .hasMessage("frame 1: expected 32 x 32, found 64 x 32");
    }
    try (var left = Files.list(folder)) {
      assertThat(left).isEmpty();
    }
  }

  @Test
  void everyFrame_isHandedOnAfterItIsWritten(@TempDir Path folder) throws IOException {
    var handed = new ArrayList<VideoFrame>();
    VideoWriter.write(folder.resolve("clip.mp4"), TestVideos.numbered(4, 32, 32, 8), handed::add);
    assertThat(handed).extracting(VideoFrame::seconds).containsExactly(0.0, 0.125, 0.25, 0.375);
  }

  @Test
  void videoThatFailsHalfway_leavesNoFile(@TempDir Path folder) throws IOException {
    assertThatThrownBy(
            () ->
                VideoWriter.write(
                    folder.resolve("clip.mp4"),
                    TestVideos.numbered(4, 32, 32, 8),
                    frame -> {
                      if (frame.seconds() > 0.2) {
                        throw new IOException("enough");
                      }
                    }))
        .hasMessage("enough");
    try (var left = Files.list(folder)) {
      assertThat(left).isEmpty();
    }
  }

  @Test
  void notANumber_isRefused() throws IOException {
    assertThatThrownBy(() -> TestVideos.plain(2, 2, Float.NaN, 0, 0).toByte(0, 0))
        .hasMessageContaining("not a number");
  }

  @Test
  void finishedFile_replacesTheOldOne_andLeavesNothingBeside(@TempDir Path folder)
      throws IOException {
    var file = folder.resolve("clip.mp4");
    Files.writeString(file, "old");
    VideoWriter.write(file, TestVideos.numbered(3, 32, 32, 8));
    assertThat(VideoReader.probe(file).frames()).isEqualTo(3);
    try (var left = Files.list(folder)) {
      assertThat(left).containsExactly(file);
    }
  }

  @Test
  void emptyVideo_isRefused(@TempDir Path folder) throws IOException {
    try (var writer = VideoWriter.open(folder.resolve("a.mp4"), new VideoFormat(32, 32, 8))) {
      assertThatThrownBy(writer::finish).hasMessageContaining("at least one frame");
    }
  }

  @Test
  void otherEnding_isRefused_namingTheFile(@TempDir Path folder) {
    assertThatThrownBy(
            () -> VideoWriter.open(folder.resolve("clip.gif"), new VideoFormat(32, 32, 8)))
        .hasMessageContaining("clip.gif")
        .hasMessageContaining(".mp4");
  }
}
