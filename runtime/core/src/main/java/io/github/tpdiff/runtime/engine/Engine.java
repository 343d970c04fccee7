package io.github.tpdiff.runtime.engine;

import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.weights.TensorSource;

/** Lowers programs and runs them on one device. */
public interface Engine extends AutoCloseable {
  /** One line for the user: engine, version, device and why this device. */
  String description();

  /**
   * Makes {@code program} ready to run.
   *
   * @param weights every tensor of {@link Program#weights()}, in any floating dtype; must stay open
   *     while the executable is
   * @throws io.github.tpdiff.weights.CheckpointException if a tensor is missing or misshapen,
   *     naming it
   */
  Executable load(Program program, TensorSource weights);

  /**
   * Whether the memory that this engine computes in still takes so many bytes, with as much again
   * to spare.
   */
  default boolean allows(long bytes) {
    return bytes <= HostMemory.availableBytes() / 2;
  }

  @Override
  void close();
}
