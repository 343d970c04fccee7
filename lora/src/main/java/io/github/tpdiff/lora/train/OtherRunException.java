package io.github.tpdiff.lora.train;

import io.github.tpdiff.weights.CheckpointException;

/** A state of a run with another setting than the one that is to go on from it. */
public final class OtherRunException extends CheckpointException {
  private final String setting;

  OtherRunException(String setting, String message) {
    super(message);
    this.setting = setting;
  }

  /** The name of the setting, such as {@code train.seed}, or {@code data} for the clips. */
  public String setting() {
    return setting;
  }
}
