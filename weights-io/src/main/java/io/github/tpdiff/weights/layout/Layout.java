package io.github.tpdiff.weights.layout;

/** Whose names a checkpoint uses. */
public enum Layout {
  /** Those of diffusers, or of transformers for a text encoder. */
  DIFFUSERS,
  /** Those of the network's authors. */
  ORIGINAL
}
