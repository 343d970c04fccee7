package io.github.tpdiff.cli.demo;

import io.github.tpdiff.runtime.pipeline.PipelineDescription;
import io.github.tpdiff.runtime.pipeline.VideoSize;

/**
 * How much the demo does.
 *
 * @param video size of clips and results, with as many frames as there are at most
 * @param pretraining how long the vanilla denoiser is trained
 * @param lora how long the LoRA is
 * @param sampling steps of every generated video
 * @param prompts videos generated each way
 */
record DemoSize(VideoSize video, Effort pretraining, Effort lora, int sampling, int prompts) {
  /**
   * As many steps as fit the time on this machine.
   *
   * @param seconds to train
   * @param most steps
   */
  record Effort(double seconds, int most) {
    /** The steps to do where one takes so long. */
    int steps(double secondsPerStep) {
      return (int) Math.max(2, Math.min(most, seconds / secondsPerStep));
    }
  }

  /** The same with clips no longer than the model is made for. */
  DemoSize fitting(PipelineDescription model) {
    int frames = Math.min(video.frames(), model.defaults().frames());
    return new DemoSize(
        new VideoSize(video.height(), video.width(), frames, video.fps()),
        pretraining,
        lora,
        sampling,
        prompts);
  }

  /** What fits a laptop's few minutes. */
  static DemoSize full() {
    return new DemoSize(
        new VideoSize(64, 64, 33, 16), new Effort(200, 4000), new Effort(50, 1000), 24, 3);
  }

  /** The same journey in seconds: nothing is learned. */
  static DemoSize brief() {
    return new DemoSize(new VideoSize(32, 48, 17, 16), new Effort(0, 2), new Effort(0, 2), 3, 1);
  }
}
