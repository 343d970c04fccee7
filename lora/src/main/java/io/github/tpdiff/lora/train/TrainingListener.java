package io.github.tpdiff.lora.train;

import io.github.tpdiff.runtime.diffusion.Latents;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** Is told how training goes, on the training thread. */
public interface TrainingListener {
  /** After every step. */
  default void stepped(TrainingProgress progress) {}

  /**
   * After a validation.
   *
   * @param step steps done
   * @param losses mean by stage number
   */
  default void validated(int step, Map<Integer, Double> losses) {}

  /**
   * After a video was sampled.
   *
   * @param step steps done
   * @param prompt its number
   * @param latents normalised, at full rate
   */
  default void sampled(int step, int prompt, Latents latents) {}

  /** After the file of a sampled video was written, in runs that write them. */
  default void shown(SampleShown sample) {}

  /**
   * Before the first step of a run that goes on.
   *
   * @param state that it goes on from
   * @param damaged why newer states are passed over, a line each
   */
  default void resumed(Path state, List<String> damaged) {}

  /** After a state was written. */
  default void saved(Path folder) {}

  /** Asked between batches; true stops training in a state that can be resumed. */
  default boolean stopAsked() {
    return false;
  }
}
