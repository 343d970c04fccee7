package io.github.tpdiff.runtime.media;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.tpdiff.runtime.picture.PictureSize;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Clips that overlap, against those that a reader cuts that begins at each anew. */
final class WindowReaderTest {
  @TempDir private Path folder = Path.of("");
  private Path video = Path.of("");

  @BeforeEach
  void write() throws IOException {
    video = folder.resolve("v.mp4");
    VideoWriter.write(video, TestVideos.numbered(30, 48, 64, 12));
  }

  private static ClipRequest request(int frames, double fps, double start) {
    return new ClipRequest(FrameCount.exactly(frames), fps, 32, 32, start);
  }

  @Test
  void overlappingClips_showTheFramesOfEach() throws IOException {
    try (var reader = WindowReader.open(video, request(5, 12, 0))) {
      for (int start : new int[] {0, 2, 4, 4, 13, 25}) {
        ExtractedClip clip = reader.at(start).orElseThrow();
        assertThat(TestVideos.numbers(clip.clip()))
            .containsExactly(start, start + 1, start + 2, start + 3, start + 4);
        assertThat(clip.firstFrame()).isEqualTo(start);
        assertThat(clip.lastFrame()).isEqualTo(start + 4);
      }
      assertThat(reader.at(26)).isEmpty();
    }
  }

  @Test
  void atOtherRates_clipsAndReportsAreThoseOfAReaderThatBeginsThere() throws IOException {
    for (double fps : new double[] {5, 8, 12, 17, 30}) {
      try (var reader = WindowReader.open(video, request(6, fps, 0))) {
        for (int start = 0; start < 6; start += 3) {
          ExtractedClip own = reader.at(start).orElseThrow();
          ExtractedClip anew = ClipReader.first(video, request(6, fps, start / fps));
          assertThat(own.clip().data()).as("%s at %s", start, fps).isEqualTo(anew.clip().data());
          assertThat(own.firstFrame()).isEqualTo(anew.firstFrame());
          assertThat(own.lastFrame()).isEqualTo(anew.lastFrame());
          assertThat(own.report().droppedFrames()).isEqualTo(anew.report().droppedFrames());
          assertThat(own.report().repeatedFrames()).isEqualTo(anew.report().repeatedFrames());
          assertThat(own.report().sourceFps()).isCloseTo(12, within(0.01));
          assertThat(own.report().scale()).isEqualTo(anew.report().scale());
        }
      }
    }
  }

  @Test
  void clipsThatWouldGoBack_areRefused() throws IOException {
    try (var reader = WindowReader.open(video, request(5, 12, 0))) {
      reader.at(3);
      assertThatThrownBy(() -> reader.at(2)).hasMessageContaining("found 2");
    }
  }

  @Test
  void outline_saysWhatProbingSays() throws IOException {
    Path turned = folder.resolve("turned.mp4");
    TestVideos.writeQuarters(turned, recorder -> {});
    TestVideos.setMatrix(turned, new double[] {0, 1, 0, -1, 0, 0, 0, 0, 1});
    for (Path file : new Path[] {video, turned}) {
      VideoOutline outline = VideoReader.outline(file);
      VideoInfo info = VideoReader.probe(file);
      assertThat(outline.shown()).isEqualTo(new PictureSize(info.width(), info.height()));
      assertThat(outline.seconds().orElseThrow()).isCloseTo(info.seconds(), within(0.1));
    }
    assertThat(VideoReader.outline(turned).shown()).isEqualTo(new PictureSize(48, 64));
  }
}
