package io.github.tpdiff.runtime.media;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.stream.IntStream;
import org.bytedeco.ffmpeg.global.avcodec;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FrameTimesTest {
  private static final double NONE = Double.NaN;

  @Test
  void timesOfTheFile_areCountedFromTheFirst() {
    assertThat(shown(5, 5.1, 5.5, 6)).containsExactly(0, 0.1, 0.5, 1);
    assertThat(shown(-1, -0.5, 0, 0.5)).containsExactly(0, 0.5, 1, 1.5);
  }

  @Test
  void missingTimes_goOnAtTheNominalRate() {
    assertThat(shown(NONE, NONE, NONE)).containsExactly(0, 0.25, 0.5);
    assertThat(shown(1, NONE, 1.5, NONE)).containsExactly(0, 0.25, 0.5, 0.75);
    assertThat(shown(NONE, 7.25, 8)).containsExactly(0, 0.25, 1);
  }

  @Test
  void repeatedOrExchangedTimes_leaveTheOthersInPlace() {
    assertThat(shown(0, 0.25, 0.25, 0.5, 0.75)).containsExactly(0, 0.25, 0.375, 0.5, 0.75);
    assertThat(shown(0, 0.5, 0.25, 0.75, 1)).containsExactly(0, 0.5, 0.625, 0.75, 1);
  }

  @Test
  void timeThatStartsAgain_goesOn() {
    assertThat(shown(10, 10.25, 10.5, 10.75, 0, 0.25, 1))
        .containsExactly(0, 0.25, 0.5, 0.75, 1, 1.25, 2);
  }

  @Test
  void h264InAvi_whichHasNoTimes_isWhole(@TempDir Path folder) throws IOException {
    var file = folder.resolve("plain.avi");
    TestVideos.writeQuarters(
        file,
        recorder -> {
          recorder.setVideoCodec(avcodec.AV_CODEC_ID_H264);
          recorder.setFrameRate(1);
        });
    assertThat(times(file)).containsExactly(0.0, 1.0);
  }

  /** Made with ffmpeg: 17 frames of 8 a second; three B-frames in a row, and two packed. */
  @ParameterizedTest
  @ValueSource(strings = {"h264-b-frames.avi", "mpeg4-packed-b-frames.avi"})
  void bFramesInAvi_areShownInOrder_atTheFilesRate(String name, @TempDir Path folder)
      throws IOException {
    var file = TestVideos.copyResource(name, folder);
    assertThat(TestVideos.numbers(VideoReader.readAll(file)))
        .isEqualTo(IntStream.range(0, 17).boxed().toList());
    assertThat(times(file)).isEqualTo(IntStream.range(0, 17).mapToObj(f -> f / 8.0).toList());
    var info = VideoReader.probe(file);
    assertThat(info.fps()).isEqualTo(8);
    assertThat(info.variableFrameRate()).isFalse();
  }

  private static double[] shown(double... told) {
    var times = new FrameTimes(0.25);
    return java.util.Arrays.stream(told)
        .map(
            t -> {
              times.add(Double.isNaN(t) ? OptionalDouble.empty() : OptionalDouble.of(t));
              return Math.rint(times.seconds() * 1e9) / 1e9;
            })
        .toArray();
  }

  private static List<Double> times(Path file) throws IOException {
    var seconds = new ArrayList<Double>();
    try (var reader = VideoReader.open(file)) {
      for (var next = reader.next(); next.isPresent(); next = reader.next()) {
        seconds.add(next.get().seconds());
      }
    }
    return seconds;
  }
}
