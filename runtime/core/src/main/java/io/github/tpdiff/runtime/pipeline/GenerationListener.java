package io.github.tpdiff.runtime.pipeline;

import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.diffusion.Stage;
import io.github.tpdiff.runtime.diffusion.StageChoice.Decided;
import io.github.tpdiff.runtime.model.PipelineParts;

/** Watches a generation; what it throws ends it. */
public interface GenerationListener {
  /**
   * A step that is done.
   *
   * @param stage the stage it belongs to
   * @param step in the stage, from 1
   * @param stageSteps steps of the stage
   * @param done steps done in all stages
   * @param steps steps of all stages
   * @param seconds this step took
   * @param latents that it left, [1, C, F, H, W] on the stage's grid, still with the noise of the
   *     steps to come; not a copy, and not to be written to
   */
  record StepDone(
      Stage stage,
      int step,
      int stageSteps,
      int done,
      int steps,
      double seconds,
      Latents latents) {}

  /** The stages are decided, before anything is loaded. */
  default void onStages(Decided stages) {}

  /** What the video is made with; a listener may load a component of its own until this returns. */
  default void onParts(PipelineParts parts) {}

  /** A part of the work begins. */
  default void onPhase(Phase phase) {}

  /** A step of denoising is done. */
  default void onStep(StepDone step) {}

  /** {@code done} of {@code frames} pixel frames are decoded. */
  default void onFrame(int done, int frames) {}

  /** The parts of the work, in order. */
  enum Phase {
    TEXT,
    DENOISING,
    DECODING
  }

  /** Does nothing. */
  static GenerationListener silent() {
    return new GenerationListener() {};
  }
}
