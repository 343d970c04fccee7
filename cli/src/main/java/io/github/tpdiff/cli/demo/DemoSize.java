package io.github.tpdiff.cli.demo;

import com.google.common.math.IntMath;
import io.github.tpdiff.runtime.diffusion.GridAxis;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.model.ModelDescription;
import io.github.tpdiff.runtime.pipeline.VideoSize;
import java.math.RoundingMode;

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
  static DemoSize full(ModelDescription model, StageConfig stages) {
    boolean transformer = isTransformer(model);
    ModelDescription.Defaults own = model.defaults();
    ModelDescription.Latents latents = model.latents();
    return new DemoSize(
        new VideoSize(
            latents.sideFor(stages, GridAxis.HEIGHT, own.height()),
            latents.sideFor(stages, GridAxis.WIDTH, own.width()),
            latents.framesFor(stages, own.frames()),
            own.fps()),
        transformer,
        transformer ? new Effort(400, 2200) : new Effort(200, 4000),
        transformer ? new Effort(100, 600) : new Effort(50, 1000),
        own.steps(),
        3);
  }

  /** The same journey in seconds: nothing is learned. */
  static DemoSize brief(ModelDescription model, StageConfig stages) {
    ModelDescription.Defaults own = model.defaults();
    int rows = model.latents().multiple(stages, GridAxis.HEIGHT);
    int columns = model.latents().multiple(stages, GridAxis.WIDTH);
    var video =
        new VideoSize(
            IntMath.divide(32, rows, RoundingMode.CEILING) * rows,
            IntMath.divide(48, columns, RoundingMode.CEILING) * columns,
            model.latents().framesFor(stages, Math.min(17, own.frames())),
            own.fps());
    return new DemoSize(
        video,
        isTransformer(model),
        new Effort(0, 2),
        new Effort(0, 2),
        Math.max(3, stages.stages()),
        1);
  }

  private static boolean isTransformer(ModelDescription model) {
    return model.denoiser().equals("transformer");
  }
}
