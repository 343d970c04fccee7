package io.github.tpdiff.lora.train;

import java.nio.file.Path;

/** Writes what users want of a run, such as a LoRA file, beside each state and at the end. */
@FunctionalInterface
public interface SnapshotWriter {
  void write(Path folder, TrainingSnapshot snapshot);
}
