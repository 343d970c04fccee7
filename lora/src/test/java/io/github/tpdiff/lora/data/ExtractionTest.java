package io.github.tpdiff.lora.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tpdiff.lora.data.Extraction.Mode;
import io.github.tpdiff.runtime.media.VideoWriter;
import io.github.tpdiff.runtime.pipeline.VideoSize;
import io.github.tpdiff.runtime.video.VideoClip;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which frames of a video of 20 frames at 8 fps become clips of 6, told by their brightness. */
final class ExtractionTest {
  private static final int FRAMES = 20;

  @TempDir private Path folder = Path.of("");
  private Path video = Path.of("");

  @BeforeEach
  void write() throws IOException {
    int plane = 32 * 32;
    var data = new float[3 * FRAMES * plane];
    for (int c = 0; c < 3; c++) {
      for (int f = 0; f < FRAMES; f++) {
        Arrays.fill(data, (c * FRAMES + f) * plane, (c * FRAMES + f + 1) * plane, f * 0.09f - 0.9f);
      }
    }
    video = folder.resolve("v.mp4");
    VideoWriter.write(video, new VideoClip(data, FRAMES, 32, 32, 8));
  }

  /** The frames of each clip, by brightness, and as the clip's span says. */
  private List<String> clips(Extraction extraction, int frames) throws Exception {
    var found = new ArrayList<String>();
    new ClipCutter(new GivenSizes(List.of(new VideoSize(32, 32, frames, 8))), extraction)
        .cut(
            new SourceVideo(video, Optional.of("c"), Optional.empty()),
            cut -> {
              var numbers = new ArrayList<Integer>();
              for (int f = 0; f < cut.clip().frames(); f++) {
                numbers.add(Math.round((cut.clip().frame(f).data()[0] + 0.9f) / 0.09f));
              }
              PreparedVideo.Span span = cut.made().frames().orElseThrow();
              assertThat(span.first()).isEqualTo(numbers.get(0));
              assertThat(span.last()).isEqualTo(numbers.get(numbers.size() - 1));
              assertThat(cut.made().size().frames()).isEqualTo(frames);
              found.add(span.first() + "-" + span.last());
            });
    return found;
  }

  private static OptionalInt of(int value) {
    return value == 0 ? OptionalInt.empty() : OptionalInt.of(value);
  }

  @ParameterizedTest
  @CsvSource({
    "HEAD, 0, 0, 0-5",
    "HEAD, 0, 2, 0-5 6-11",
    "HEAD, 0, 9, 0-5 6-11 12-17",
    "MIDDLE, 0, 0, 7-12",
    "MIDDLE, 0, 2, 4-9 10-15",
    "MIDDLE, 0, 9, 1-6 7-12 13-18",
    "SLIDING, 0, 0, 0-5 3-8 6-11 9-14 12-17",
    "SLIDING, 7, 0, 0-5 7-12 14-19",
    "SLIDING, 1, 3, 0-5 1-6 2-7",
    "UNIFORM, 0, 0, 0-5 5-10 9-14 14-19",
    "UNIFORM, 0, 2, 0-5 14-19",
    "UNIFORM, 0, 1, 0-5",
    "WHOLE, 0, 0, 0-5",
    "RETIMED, 0, 0, 0-17",
  })
  void clips_areOfTheFramesThatAreAskedFor(Mode mode, int stride, int most, String expected)
      throws Exception {
    assertThat(clips(new Extraction(mode, of(stride), of(most)), 6))
        .containsExactly(expected.split(" "));
  }

  @ParameterizedTest
  @CsvSource({"HEAD", "MIDDLE", "SLIDING", "UNIFORM", "WHOLE", "RETIMED"})
  void aVideoOfJustOneClip_givesIt_andAShorterOneNone(Mode mode) throws Exception {
    var extraction = new Extraction(mode, OptionalInt.empty(), OptionalInt.empty());
    assertThat(clips(extraction, FRAMES)).containsExactly("0-19");
    assertThatThrownBy(() -> clips(extraction, FRAMES + 1))
        .isInstanceOf(ClipCutter.DroppedException.class)
        .hasMessageContaining("expected 21 frames at 8.0 fps");
  }

  @Test
  void numbersThatDoNotGoTogether_areRefused() {
    assertThatThrownBy(() -> new Extraction(Mode.HEAD, of(3), of(1)))
        .hasMessageContaining("data.stride: goes with extraction: sliding");
    assertThatThrownBy(() -> new Extraction(Mode.WHOLE, of(0), of(2)))
        .hasMessageContaining("one clip of a video, found 2");
    assertThatThrownBy(() -> Extraction.head(0)).hasMessageContaining("at least 1, found 0");
  }
}
