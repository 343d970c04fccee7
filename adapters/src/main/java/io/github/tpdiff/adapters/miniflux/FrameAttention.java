package io.github.tpdiff.adapters.miniflux;

/** Which tokens see which: the published model was trained both ways. Nothing sees padding. */
public enum FrameAttention {
  /** All text and all frames see each other: whole clips. No mask of tokens by tokens is made. */
  FULL,
  /**
   * No frame sees a later one, and text sees text and the frames at position 0: one frame after the
   * other. Holds a mask of tokens by tokens.
   */
  CAUSAL
}
