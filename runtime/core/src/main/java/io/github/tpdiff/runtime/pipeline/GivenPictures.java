package io.github.tpdiff.runtime.pipeline;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.runtime.engine.Tensor;
import java.util.Arrays;
import java.util.Optional;

/**
 * The pictures that a video is conditioned on, as a model takes them.
 *
 * @param first that the video begins with, F32 [1, 3, 1, H, W] in [−1, 1], of the video's size
 * @param last that it ends with, in the same form
 * @param pixels as the image encoder takes them, F32 [1, pictures, 3, side, side]; empty for a
 *     model that has none
 */
public record GivenPictures(Tensor first, Optional<Tensor> last, Optional<Tensor> pixels) {
  /**
   * @throws IllegalArgumentException if the pictures differ in size
   */
  public GivenPictures {
    last.ifPresent(
        other ->
            checkArgument(
                Arrays.equals(other.shape(), first.shape()),
                "last picture: expected the first one's size, %s, found %s",
                first,
                other));
  }

  /** A picture that a video begins with, for a model without an image encoder. */
  public static GivenPictures first(Tensor picture) {
    return new GivenPictures(picture, Optional.empty(), Optional.empty());
  }

  /** Height in pixels. */
  int height() {
    return (int) first.shape()[3];
  }

  /** Width in pixels. */
  int width() {
    return (int) first.shape()[4];
  }
}
