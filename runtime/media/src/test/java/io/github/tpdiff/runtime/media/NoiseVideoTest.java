package io.github.tpdiff.runtime.media;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.tpdiff.runtime.video.VideoClip;
import io.github.tpdiff.runtime.video.VideoFrame;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a model with random weights shows: nothing that a codec could predict. */
class NoiseVideoTest {
  @TempDir private Path folder;

  @ParameterizedTest
  @CsvSource({
    "16, 16, 8, 4",
    "32, 48, 24, 1",
    "64, 64, 24, 1",
    "64, 64, 16, 4",
    "128, 128, 24, 4",
    "320, 192, 30, 4"
  })
  void noise_isWrittenWhatItsSizeAndContrast(int width, int height, double fps, double deviation)
      throws IOException {
    Path file = folder.resolve("noise.mp4");
    int frames = 25;
    VideoWriter.write(file, VideoClip.of(noise(width, height, frames, deviation), fps));
    assertThat(VideoReader.probe(file).frames()).isEqualTo(frames);
  }

  private static List<VideoFrame> noise(int width, int height, int frames, double deviation) {
    var random = new Random(1);
    var pictures = new ArrayList<VideoFrame>();
    for (int i = 0; i < frames; i++) {
      var pixels = new float[3 * width * height];
      for (int p = 0; p < pixels.length; p++) {
        pixels[p] = (float) (deviation * random.nextGaussian());
      }
      pictures.add(new VideoFrame(pixels, height, width, i));
    }
    return pictures;
  }
}
