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

  /**
   * Whether one pass over two clips takes less time than two passes: where one clip leaves a device
   * idle, or weights are brought to it for each pass. A CPU is busy with one. At the width of Wan
   * 2.1 1.3B (4 blocks, fp32, ONNX Runtime, 1,344 tokens) a pass over two took 1.99 to 2.11 times
   * the processor time of a pass over one, by the least and the median of four, for twice the
   * memory.
   */
  default boolean batchesPay() {
    return false;
  }

  @Override
  void close();
}
