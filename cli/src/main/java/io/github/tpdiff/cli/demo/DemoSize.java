package io.github.tpdiff.cli.demo;

import io.github.tpdiff.runtime.pipeline.VideoSize;

/**
 * How much the demo does.
 *
 * @param video size of clips and results
 * @param pretraining steps of the vanilla denoiser
 * @param lora steps of the LoRA
 * @param seconds that each training may take at most, on slower machines
 * @param sampling steps of every generated video
 * @param prompts videos generated each way
 */
record DemoSize(
    VideoSize video, int pretraining, int lora, double seconds, int sampling, int prompts) {
  /** What fits a laptop's few minutes. */
  static DemoSize full() {
    return new DemoSize(new VideoSize(96, 128, 33, 16), 700, 250, 75, 24, 3);
  }

  /** The same journey in seconds: nothing is learned. */
  static DemoSize brief() {
    return new DemoSize(new VideoSize(32, 48, 17, 16), 3, 3, 5, 3, 1);
  }
}
