package io.github.tpdiff.runtime.pipeline;

import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.diffusion.Stage;
import io.github.tpdiff.runtime.diffusion.StageListener;
import io.github.tpdiff.weights.CheckpointException;

/** Counts and times steps, and stops a run whose values are no longer numbers. */
final class StepWatch implements StageListener {
  private final int steps;
  private final GenerationListener listener;
  private int stageSteps;
  private int done;
  private long since;

  StepWatch(int steps, GenerationListener listener) {
    this.steps = steps;
    this.listener = listener;
  }

  @Override
  public void onStage(Stage stage, int count, Latents x) {
    stageSteps = count;
    since = System.nanoTime();
  }

  @Override
  public void onStep(Stage stage, int index, Latents x) {
    long now = System.nanoTime();
    done++;
    if (!x.isFinite()) {
      throw new CheckpointException(
          "stage %d, step %d of %d: the latents have values that are not finite; the checkpoint or"
                  .formatted(stage.number(), index + 1, stageSteps)
              + " its LoRA is damaged, or was made for another model");
    }
    listener.onStep(
        new GenerationListener.StepDone(
            stage, index + 1, stageSteps, done, steps, (now - since) * 1e-9, x));
    since = System.nanoTime();
  }
}
