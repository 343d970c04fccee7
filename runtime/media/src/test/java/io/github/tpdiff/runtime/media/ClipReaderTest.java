package io.github.tpdiff.runtime.media;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.tpdiff.runtime.video.VideoClip;
import io.github.tpdiff.runtime.video.VideoFrame;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ClipReaderTest {
  @Test
  void halvedRate_takesEverySecondFrame_andSaysSo(@TempDir Path folder) throws IOException {
    var extracted = ClipReader.first(numbered(folder, 30, 30), request(FrameCount.exactly(9), 15));
    assertThat(TestVideos.numbers(extracted.clip())).containsExactly(0, 2, 4, 6, 8, 10, 12, 14, 16);
    assertThat(extracted.clip().fps()).isEqualTo(15);
    var report = extracted.report();
    assertThat(report.droppedFrames()).isEqualTo(8);
    assertThat(report.repeatedFrames()).isZero();
    assertThat(report.sourceFps()).isEqualTo(30, within(0.01));
    assertThat(report.variableFrameRate()).isFalse();
    assertThat(report.endSeconds()).isEqualTo(0.6, within(1e-9));
    assertThat(report.summary()).contains("30 fps to 15 fps (8 frames dropped, 0 repeated)");
  }

  @Test
  void doubledRate_repeatsFrames_andSaysSo(@TempDir Path folder) throws IOException {
    var extracted = ClipReader.first(numbered(folder, 10, 8), request(FrameCount.exactly(6), 16));
    // Half-way moments are as near to either frame; the earlier one is taken.
    assertThat(TestVideos.numbers(extracted.clip())).hasSize(6).isSorted().endsWith(2);
    assertThat(extracted.report().repeatedFrames()).isEqualTo(3);
    assertThat(extracted.report().droppedFrames()).isZero();
  }

  @Test
  void unevenRates_takeTheNearestFrame(@TempDir Path folder) throws IOException {
    var extracted = ClipReader.first(numbered(folder, 30, 30), request(FrameCount.exactly(9), 16));
    var nearest =
        IntStream.range(0, 9).mapToObj(k -> (int) Math.ceil(k * 30 / 16.0 - 0.5)).toList();
    assertThat(TestVideos.numbers(extracted.clip())).isEqualTo(nearest);
  }

  @Test
  void variableRate_followsTheTimestamps(@TempDir Path folder) throws IOException {
    // 10 frames at 20 a second, then 10 at 5 a second.
    var file = folder.resolve("variable.mp4");
    TestVideos.writeTimed(file, 20, f -> f < 10 ? f * 0.05 : 0.5 + (f - 10) * 0.2);
    var info = VideoReader.probe(file);
    assertThat(info.variableFrameRate()).isTrue();
    assertThat(info.fps()).isEqualTo(19 / 2.3, within(0.01));
    var extracted = ClipReader.first(file, request(FrameCount.exactly(12), 5));
    assertThat(TestVideos.numbers(extracted.clip()))
        .containsExactly(0, 4, 8, 10, 11, 12, 13, 14, 15, 16, 17, 18);
    assertThat(extracted.report().variableFrameRate()).isTrue();
  }

  @Test
  void clips_followOneAnother_andTheRestIsShorterByWholeGroups(@TempDir Path folder)
      throws IOException {
    var clips = new ArrayList<List<Integer>>();
    var request = request(new FrameCount(5, 9, 4), 10);
    try (var reader = ClipReader.open(numbered(folder, 26, 10), request)) {
      for (var next = reader.next(); next.isPresent(); next = reader.next()) {
        clips.add(TestVideos.numbers(next.get().clip()));
      }
    }
    assertThat(clips).containsExactly(range(0, 9), range(9, 18), range(18, 23));
  }

  @Test
  void start_isHonoured(@TempDir Path folder) throws IOException {
    var request = new ClipRequest(FrameCount.exactly(3), 10, 32, 32, 1.2);
    var clip = ClipReader.first(numbered(folder, 20, 10), request).clip();
    assertThat(TestVideos.numbers(clip)).isEqualTo(range(12, 15));
  }

  @Test
  void wholeVideo_isUsable_toItsLastFrame(@TempDir Path folder) throws IOException {
    var clip = ClipReader.first(numbered(folder, 17, 16), request(FrameCount.exactly(17), 16));
    assertThat(TestVideos.numbers(clip.clip())).isEqualTo(range(0, 17));
  }

  @Test
  void tooShortVideo_isRefused_namingFileAndCounts(@TempDir Path folder) throws IOException {
    var file = numbered(folder, 8, 16);
    assertThatThrownBy(() -> ClipReader.first(file, request(FrameCount.exactly(17), 16)))
        .isInstanceOf(IOException.class)
        .hasMessageContaining(file + ": expected 17 frames at 16.0 fps")
        .hasMessageContaining("found 8");
  }

  @Test
  void widePicture_coversTheSquare_andLosesItsSidesEvenly(@TempDir Path folder) throws IOException {
    // Left quarter red, right quarter blue, green between: a square keeps just the green.
    var file = folder.resolve("wide.mp4");
    VideoWriter.write(file, VideoClip.of(List.of(threeColours(), threeColours()), 8));
    var request = new ClipRequest(FrameCount.exactly(1), 8, 32, 32, 0);
    var extracted = ClipReader.first(file, request);
    assertThat(extracted.report().scale()).isEqualTo(0.5);
    assertThat(extracted.report().cutColumns()).isEqualTo(32);
    assertThat(extracted.report().cutRows()).isZero();
    var frame = extracted.clip().frame(0);
    for (int x = 2; x < 30; x++) {
      assertThat(frame.data()[32 * 16 + x]).as("red at %s", x).isLessThan(-0.6f);
      assertThat(frame.data()[32 * 32 + 32 * 16 + x]).as("green at %s", x).isGreaterThan(0.6f);
    }
  }

  @Test
  void wideStoredPixels_areShownAtTheirShape(@TempDir Path folder) throws IOException {
    // 64 x 48 pixels, each twice as wide as high: a 128 x 48 picture.
    var file = folder.resolve("wide-pixels.mp4");
    TestVideos.writeQuarters(file, recorder -> recorder.setAspectRatio(2));
    var report = ClipReader.first(file, request(FrameCount.exactly(1), 8)).report();
    assertThat(report.scale()).isEqualTo(32 / 48.0, within(1e-9));
    assertThat(report.cutColumns()).isEqualTo(85 - 32);
    assertThat(report.cutRows()).isZero();
  }

  @Test
  void frameCounts_ofOtherForms_areRefused() {
    assertThatThrownBy(() -> new FrameCount(5, 16, 4)).hasMessageContaining("found 5 and 16");
    assertThat(new FrameCount(1, 81, 4).fitting(80)).isEqualTo(77);
    assertThat(new FrameCount(5, 81, 4).fitting(4)).isZero();
  }

  private static Path numbered(Path folder, int frames, double fps) throws IOException {
    var file = folder.resolve("numbered.mp4");
    VideoWriter.write(file, TestVideos.numbered(frames, 32, 32, fps));
    return file;
  }

  private static ClipRequest request(FrameCount frames, double fps) {
    return new ClipRequest(frames, fps, 32, 32, 0);
  }

  private static List<Integer> range(int from, int to) {
    return IntStream.range(from, to).boxed().toList();
  }

  private static VideoFrame threeColours() {
    var data = new float[3 * 64 * 128];
    for (int i = 0; i < data.length; i++) {
      int channel = i / (64 * 128);
      int x = i % 128;
      int colour = x < 32 ? 0 : x < 96 ? 1 : 2;
      data[i] = channel == colour ? 0.9f : -0.9f;
    }
    return new VideoFrame(data, 64, 128, 0);
  }
}
