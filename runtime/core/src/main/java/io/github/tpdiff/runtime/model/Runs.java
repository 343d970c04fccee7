package io.github.tpdiff.runtime.model;

/** When a component of a model runs. */
public enum Runs {
  /** Once for each prompt. */
  PROMPT,
  /** Once for each picture that a video is conditioned on. */
  PICTURE,
  /** Once for each prompt in each stage: it reads what follows the stage. */
  STAGE,
  /** In every step of denoising. */
  STEP,
  /** Once for each chunk of a clip, with the state of the chunk before. */
  CHUNK
}
