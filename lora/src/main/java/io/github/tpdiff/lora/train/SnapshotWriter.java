package io.github.tpdiff.lora.train;

import java.nio.file.Path;

/** Writes what users want of a run, such as a LoRA file, beside each state and at the end. */
@FunctionalInterface
public interface SnapshotWriter {
  /** Writes what is known of a run before its first step. */
  default void begin(Path folder) {}

  void write(Path folder, TrainingSnapshot snapshot);
}
