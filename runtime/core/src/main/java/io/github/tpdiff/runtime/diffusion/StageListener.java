package io.github.tpdiff.runtime.diffusion;

/** Watches staged sampling; what it throws ends the run. */
public interface StageListener {

  /** Sampling enters a stage of {@code steps} steps with {@code x}. */
  default void onStage(Stage stage, int steps, Latents x) {}

  /** Step {@code index} (from 0) of a stage is done and left {@code x}. */
  default void onStep(Stage stage, int index, Latents x) {}

  /** Does nothing. */
  static StageListener silent() {
    return new StageListener() {};
  }
}
