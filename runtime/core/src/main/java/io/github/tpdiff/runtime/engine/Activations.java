package io.github.tpdiff.runtime.engine;

import java.util.function.LongSupplier;

/** What a training step holds between its forward and its backward pass. */
public enum Activations {
  /**
   * Values between segments only; the backward pass makes again what it reads of each segment
   * (gradient checkpointing, Chen et al. 2016, "Training Deep Nets with Sublinear Memory Cost").
   */
  RECOMPUTED,
  /** The results of products too, which cost the most to make again. */
  KEPT,
  /** The results of the products of as many segments as memory allows. */
  AUTO;

  /**
   * Bytes that the results of products may take in one batch.
   *
   * @param available bytes of the memory in which the engine computes
   */
  public long keptBytes(LongSupplier available) {
    return switch (this) {
      case RECOMPUTED -> 0;
      case KEPT -> Long.MAX_VALUE;
      // The other half is for what the passes need on the way.
      case AUTO -> available.getAsLong() / 2;
    };
  }
}
