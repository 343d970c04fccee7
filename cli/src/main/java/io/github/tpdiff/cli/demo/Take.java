package io.github.tpdiff.cli.demo;

import io.github.tpdiff.cli.StageTimes.StageTime;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.video.VideoClip;
import java.nio.file.Path;
import java.util.List;

/**
 * One generated video.
 *
 * @param caption it was made from
 * @param way how
 * @param latents before decoding
 * @param clip decoded
 * @param stages what each stage took
 * @param file the mp4
 */
record Take(
    String caption, Way way, Latents latents, VideoClip clip, List<StageTime> stages, Path file) {

  /** How a video was made. */
  enum Way {
    VANILLA_TORCH("vanilla", "torch"),
    STAGED_TORCH("staged", "torch"),
    VANILLA_ONNX("vanilla", "onnx"),
    STAGED_ONNX("staged", "onnx");

    final String sampling;
    final String engine;

    Way(String sampling, String engine) {
      this.sampling = sampling;
      this.engine = engine;
    }

    boolean isStaged() {
      return this == STAGED_TORCH || this == STAGED_ONNX;
    }

    String label() {
      return sampling + ", " + engine;
    }
  }

  /** Seconds of all denoising steps. */
  double seconds() {
    return stages.stream().mapToDouble(StageTime::seconds).sum();
  }
}
