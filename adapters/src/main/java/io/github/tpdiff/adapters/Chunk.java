package io.github.tpdiff.adapters;

/** Where in a video a chunk of frames lies. */
public enum Chunk {
  /** Its first frame: nothing came before. */
  FIRST,
  /** What one latent frame after the first stands for. */
  NEXT
}
