package io.github.tpdiff.lora.job;

import java.util.OptionalLong;
import java.util.function.Supplier;

/**
 * Whether frozen weights stay on the host and come to the device by segment, and values between
 * segments wait there for the backward pass.
 */
public enum Offload {
  /** Where the device has memory of its own that would not take all. */
  AUTO,
  /** Whatever the device. */
  ALWAYS,
  /** All are on the device. */
  NEVER;

  /** Of what is predicted: it is not good to more than a quarter. */
  private static final double MARGIN = 1.25;

  /**
   * Whether it is done for a training.
   *
   * @param needed asked where the job leaves it open
   * @param free bytes of the device's own memory, if it has any and they are known
   */
  public boolean applies(Supplier<TrainingBytes> needed, OptionalLong free) {
    return switch (this) {
      case ALWAYS -> true;
      case NEVER -> false;
      case AUTO -> free.isPresent() && MARGIN * needed.get().whole() > free.getAsLong();
    };
  }
}
