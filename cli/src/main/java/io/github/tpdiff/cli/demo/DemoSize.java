package io.github.tpdiff.cli.demo;

import io.github.tpdiff.runtime.pipeline.PipelineDescription.Defaults;
import io.github.tpdiff.runtime.pipeline.VideoSize;

/**
 * How much the demo does.
 *
 * @param video size of clips and results
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

  /** What fits a laptop's few minutes. */
  static DemoSize full(Defaults model) {
    return new DemoSize(
        VideoSize.of(model), new Effort(400, 3000), new Effort(100, 1000), model.steps(), 3);
  }

  /** The same journey in seconds: nothing is learned. */
  static DemoSize brief(Defaults model) {
    var video = new VideoSize(32, 48, Math.min(17, model.frames()), model.fps());
    return new DemoSize(video, new Effort(0, 2), new Effort(0, 2), 3, 1);
  }
}
