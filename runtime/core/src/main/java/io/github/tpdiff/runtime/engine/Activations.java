package io.github.tpdiff.runtime.engine;

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
  AUTO
}
