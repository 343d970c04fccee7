package io.github.tpdiff.runtime.picture;

import io.github.tpdiff.runtime.picture.ResampleTaps.Span;

/** How a picture comes to a video's size; which one a model means lies in where it comes from. */
public enum PictureGeometry {
  /**
   * The whole picture, its sides scaled each for itself, by Lanczos on bytes. Source: diffusers,
   * {@code VideoProcessor.preprocess}.
   */
  STRETCH {
    @Override
    public PictureValues frame(RgbPicture picture, PictureSize size) {
      var resize = new PillowResize(size.width(), size.height(), ResampleFilter.LANCZOS);
      return inRange(resize.apply(picture));
    }
  },

  /**
   * Scaled by Lanczos on bytes, without distortion, until it covers the size, and cut evenly at
   * both ends of the side that is too long. Source: Wan2.2, {@code wan/textimage2video.py}.
   */
  CROP {
    @Override
    public PictureValues frame(RgbPicture picture, PictureSize size) {
      double scale =
          Math.max(
              (double) size.width() / picture.width(), (double) size.height() / picture.height());
      int width = (int) Math.rint(picture.width() * scale);
      int height = (int) Math.rint(picture.height() * scale);
      var resize = new PillowResize(width, height, ResampleFilter.LANCZOS);
      return inRange(
          resize.apply(
              picture, Span.middle(width, size.width()), Span.middle(height, size.height())));
    }
  },

  /**
   * The whole picture, its sides scaled each for itself, by torch's bicubic on floats; what
   * overshoots [-1, 1] is kept. Source: Wan2.1 and Wan2.2, {@code wan/image2video.py}.
   */
  SQUASH {
    @Override
    public PictureValues frame(RgbPicture picture, PictureSize size) {
      return TorchResize.BICUBIC.resize(picture, size, LEVELS);
    }
  };

  /** The value in [-1, 1] of each byte, in the single precision of upstream. */
  private static final float[] LEVELS = new float[256];

  static {
    for (int i = 0; i < LEVELS.length; i++) {
      LEVELS[i] = 2 * (i / 255f) - 1;
    }
  }

  /**
   * A frame for a VAE.
   *
   * @return values [1, 3, H, W] in [-1, 1], up to overshoot
   */
  public abstract PictureValues frame(RgbPicture picture, PictureSize size);

  static float[] levels() {
    return LEVELS.clone();
  }

  private static PictureValues inRange(RgbPicture picture) {
    return PictureValues.of(picture, new float[][] {LEVELS, LEVELS, LEVELS});
  }
}
