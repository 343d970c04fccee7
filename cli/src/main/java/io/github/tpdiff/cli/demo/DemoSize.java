package io.github.tpdiff.cli.demo;

import com.google.common.math.IntMath;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.model.ModelDescription;
import io.github.tpdiff.runtime.pipeline.VideoSize;
import java.math.RoundingMode;
import java.util.stream.IntStream;

/**
 * How much the demo does.
 *
 * @param video size of clips and results
 * @param transformer whether the denoiser is one, or else convolutional
 * @param pretraining how long the vanilla denoiser is trained
 * @param lora how long the LoRA is
 * @param sampling steps of every generated video
 * @param prompts videos generated each way
 */
record DemoSize(
    VideoSize video,
    boolean transformer,
    Effort pretraining,
    Effort lora,
    int sampling,
    int prompts) {
  /** Stages of the demo's LoRA. */
  static final int STAGES = 3;

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

  /**
   * What fits a laptop's few minutes. A transformer's balls are round after about two thousand
   * steps, which it takes on a busy machine too; convolutions use the time there is.
   */
  static DemoSize full(ModelDescription model) {
    boolean transformer = isTransformer(model);
    return new DemoSize(
        VideoSize.of(model.defaults()),
        transformer,
        transformer ? new Effort(400, 2200) : new Effort(200, 4000),
        transformer ? new Effort(100, 600) : new Effort(50, 1000),
        model.defaults().steps(),
        3);
  }

  /** The same journey in seconds: nothing is learned. */
  static DemoSize brief(ModelDescription model) {
    ModelDescription.Defaults own = model.defaults();
    int frames = Math.min(Math.max(17, leastFrames(model.latents())), own.frames());
    int multiple = model.latents().sizeMultiple();
    var video =
        new VideoSize(
            IntMath.divide(32, multiple, RoundingMode.CEILING) * multiple,
            IntMath.divide(48, multiple, RoundingMode.CEILING) * multiple,
            frames,
            own.fps());
    return new DemoSize(video, isTransformer(model), new Effort(0, 2), new Effort(0, 2), 3, 1);
  }

  private static boolean isTransformer(ModelDescription model) {
    return model.denoiser().equals("transformer");
  }

  /** Pixel frames of the shortest clip that divides into the demo's stages. */
  private static int leastFrames(ModelDescription.Latents latents) {
    StageConfig stages = StageConfig.pyramid(STAGES, latents.resampling());
    return latents.frames(
        IntStream.iterate(1, n -> n + 1).filter(stages::fits).findFirst().orElseThrow());
  }
}
