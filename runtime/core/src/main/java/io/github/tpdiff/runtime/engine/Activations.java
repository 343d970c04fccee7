package io.github.tpdiff.runtime.engine;

/** What a training step holds between its forward and its backward pass. */
public enum Activations {
  /**
   * Values between segments only; the backward pass runs each segment again (gradient
   * checkpointing, Chen et al. 2016, "Training Deep Nets with Sublinear Memory Cost"). Costs one
   * more forward pass.
   */
  RECOMPUTED,
  /** Every result that the backward pass reads, with the fp32 copies of weights stored smaller. */
  KEPT
}
