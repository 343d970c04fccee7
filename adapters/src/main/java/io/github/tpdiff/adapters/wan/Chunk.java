package io.github.tpdiff.adapters.wan;

/** Where in a video a chunk of frames lies. */
enum Chunk {
  /** Its first frame: nothing came before. */
  FIRST,
  /** What one latent frame after the first stands for. */
  NEXT
}
