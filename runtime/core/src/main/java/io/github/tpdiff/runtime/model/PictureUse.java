package io.github.tpdiff.runtime.model;

import io.github.tpdiff.runtime.picture.ClipImageProcessor;
import io.github.tpdiff.runtime.picture.PictureGeometry;
import io.github.tpdiff.runtime.picture.PictureSizeRule;
import io.github.tpdiff.runtime.picture.PictureValues;
import io.github.tpdiff.runtime.picture.RgbPicture;
import java.util.Optional;

/**
 * How a model is told of the pictures that a video begins or ends with, in the condition that its
 * VAE encoder writes: F32 [batch, mask + C, frames, height, width] of channels that say which
 * frames are given, then their normalised latents.
 *
 * @param given what the pictures become
 * @param last whether a video may end with a picture
 * @param geometry how pictures come to the video's size, unless something else is said
 * @param size how the video's size follows from a picture's, unless it is said
 * @param encoder how pictures become what the image encoder sees, of models that have one
 */
public record PictureUse(
    Given given,
    Last last,
    PictureGeometry geometry,
    PictureSizeRule size,
    Optional<EncoderPictures> encoder) {

  /**
   * How pictures become what an image encoder sees.
   *
   * @param processor size, values
   * @param squashed whether the whole picture is squashed to the size, and not cut
   */
  public record EncoderPictures(ClipImageProcessor processor, boolean squashed) {
    /** What the encoder is given of a picture. */
    public PictureValues of(RgbPicture picture) {
      return squashed ? processor.squashed(picture) : processor.values(picture);
    }
  }

  /** Pictures as diffusers prepares them, for a model without an image encoder. */
  public static PictureUse of(Given given, Last last) {
    return new PictureUse(
        given, last, PictureGeometry.STRETCH, PictureSizeRule.ROUNDED, Optional.empty());
  }

  /** What pictures become. */
  public enum Given {
    /**
     * A clip of the pictures with mid grey in place of all other frames, encoded as a whole, beside
     * the noisy latents (Wan 2.1, {@code image2video.py}). A mask channel for each pixel frame of a
     * latent frame is 1 where that is a picture.
     */
    CLIP,
    /**
     * The picture, encoded alone, is the first latent frame of the video: the network finds it in
     * place of the noisy one, at time 0, and what it predicts there is zero (Wan 2.2, {@code
     * textimage2video.py}). The one mask channel is 1 in that frame.
     */
    FIRST_FRAME
  }

  /** Whether a video may end with a picture. */
  public enum Last {
    NEVER,
    OPTIONAL,
    ALWAYS
  }

  /**
   * The mask channels of the condition.
   *
   * @param temporalFactor pixel frames of a latent frame
   */
  public int maskChannels(int temporalFactor) {
    return given == Given.CLIP ? temporalFactor : 1;
  }
}
