package io.github.tpdiff.evaluation.metric;

import io.github.tpdiff.evaluation.metric.FeatureExtractor.Extraction;
import io.github.tpdiff.runtime.picture.PictureSize;
import io.github.tpdiff.runtime.picture.RgbPicture;
import io.github.tpdiff.runtime.video.VideoClip;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Frames by a formula, the same as in the program that computed the values of the tests with
 * VBench's own code: byte (7x + 13y + 31c + 17f + 9 (xy mod 11) + 60 ((x/8 + y/8 + f) mod 2)) mod
 * 256 at column x, row y, colour c of frame f.
 */
final class MadeFrames {
  /** The video of the tests: 13 frames of 39 x 30 at 16 a second. */
  static final int FRAMES = 13;

  static final int WIDTH = 39;
  static final int HEIGHT = 30;
  static final double FPS = 16;

  private MadeFrames() {}

  static RgbPicture frame(int f, int width, int height) {
    var rgb = new byte[3 * width * height];
    for (int y = 0, at = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        for (int c = 0; c < 3; c++, at++) {
          rgb[at] =
              (byte)
                  (7 * x
                      + 13 * y
                      + 31 * c
                      + 17 * f
                      + x * y % 11 * 9
                      + (x / 8 + y / 8 + f) % 2 * 60);
        }
      }
    }
    return new RgbPicture(rgb, new PictureSize(width, height));
  }

  /** What an extractor makes of the video of the tests. */
  static FeatureRows rows(FeatureExtractor extractor) {
    return rows(extractor, FRAMES, FPS);
  }

  static FeatureRows rows(FeatureExtractor extractor, int frames, double fps) {
    Extraction extraction = extractor.begin(fps);
    for (int f = 0; f < frames; f++) {
      extraction.accept(frame(f, WIDTH, HEIGHT), f / fps);
    }
    return extraction.end();
  }

  /** The video of the tests, read by whatever a measure needs. */
  static MeasuredVideo video(Measure measure) {
    return video(measure, FRAMES);
  }

  static MeasuredVideo video(Measure measure, int frames) {
    Map<String, FeatureRows> rows = new HashMap<>();
    measure.needs().forEach(each -> rows.put(each.identity(), rows(each, frames, FPS)));
    return new MeasuredVideo(
        Path.of("made.mp4"),
        "0".repeat(64),
        Optional.of("a caption"),
        new VideoFacts(frames, WIDTH, HEIGHT, FPS),
        rows);
  }

  /** A smooth clip for files: waves that move, of a phase that tells clips apart. */
  static VideoClip waves(int frames, int size, double phase, double fps) {
    var data = new float[3 * frames * size * size];
    for (int i = 0; i < data.length; i++) {
      int x = i % size;
      int y = i / size % size;
      int f = i / (size * size) % frames;
      int c = i / (size * size * frames);
      data[i] = (float) (0.8 * Math.sin(0.2 * x + 0.13 * y + 0.3 * f + phase * (1 + c)));
    }
    return new VideoClip(data, frames, size, size, fps);
  }
}
