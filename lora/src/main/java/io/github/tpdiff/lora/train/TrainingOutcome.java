package io.github.tpdiff.lora.train;

import io.github.tpdiff.lora.Parameter;
import java.util.Map;

/**
 * How training ended.
 *
 * @param step steps done
 * @param end whether all steps were done
 * @param parameters the trained tensors
 */
public record TrainingOutcome(int step, End end, Map<String, Parameter> parameters) {
  /** Why training ended. */
  public enum End {
    /** All steps are done. */
    FINISHED,
    /** The listener asked for it; the run can be resumed. */
    STOPPED
  }
}
