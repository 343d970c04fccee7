package io.github.tpdiff.runtime.diffusion;

import java.util.List;

/** An axis of a clip's latents along which stages differ. */
public enum GridAxis {
  TIME,
  HEIGHT,
  WIDTH;

  /** The two of a frame. */
  public static final List<GridAxis> OF_SPACE = List.of(HEIGHT, WIDTH);
}
