package io.github.tpdiff.runtime.pipeline;

import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.model.Flow;
import io.github.tpdiff.runtime.model.PictureUse;
import io.github.tpdiff.runtime.model.PictureUse.EncoderPictures;
import io.github.tpdiff.runtime.picture.PictureGeometry;
import io.github.tpdiff.runtime.picture.PictureSize;
import io.github.tpdiff.runtime.picture.PictureValues;
import io.github.tpdiff.runtime.picture.RgbPicture;
import io.github.tpdiff.runtime.video.VideoFrame;
import java.util.Optional;

/**
 * Pictures and frames as a model takes them: the one way, in generation and in training.
 *
 * @param geometry how pictures come to the video's size
 * @param encoder how they become what the image encoder sees, if there is one
 */
public record PicturePreparation(PictureGeometry geometry, Optional<EncoderPictures> encoder) {
  /**
   * What a model wants, with another geometry where one is asked for. A model that does not say is
   * shown the middle of a picture.
   */
  public static PicturePreparation of(Flow flow, Optional<PictureGeometry> asked) {
    PictureGeometry own = flow.pictures().map(PictureUse::geometry).orElse(PictureGeometry.CROP);
    return new PicturePreparation(asked.orElse(own), flow.pictures().flatMap(PictureUse::encoder));
  }

  /** Pictures of any size, for a video of a size. The image encoder sees them as they are. */
  public GivenPictures pictures(RgbPicture first, Optional<RgbPicture> last, VideoSize video) {
    var size = new PictureSize(video.width(), video.height());
    return new GivenPictures(
        frame(geometry.frame(first, size)),
        last.map(picture -> frame(geometry.frame(picture, size))),
        encoder.map(encodes -> pixels(encodes, first, last)));
  }

  /** Frames of the video itself. */
  public GivenPictures frames(VideoFrame first, Optional<VideoFrame> last) {
    return new GivenPictures(
        frame(values(first)),
        last.map(frame -> frame(values(frame))),
        encoder.map(
            encodes -> pixels(encodes, picture(first), last.map(PicturePreparation::picture))));
  }

  private static Tensor frame(PictureValues values) {
    return Tensor.ofFloats(values.data(), 1, 3, 1, values.height(), values.width());
  }

  private static PictureValues values(VideoFrame frame) {
    return new PictureValues(frame.data(), new PictureSize(frame.width(), frame.height()));
  }

  /** A frame as a picture, of 256 levels. */
  public static RgbPicture picture(VideoFrame frame) {
    int plane = frame.width() * frame.height();
    var rgb = new byte[RgbPicture.CHANNELS * plane];
    for (int c = 0; c < RgbPicture.CHANNELS; c++) {
      for (int i = 0; i < plane; i++) {
        float level = (frame.data()[c * plane + i] + 1) * 127.5f;
        rgb[i * RgbPicture.CHANNELS + c] = (byte) Math.max(0, Math.min(255, Math.round(level)));
      }
    }
    return new RgbPicture(rgb, new PictureSize(frame.width(), frame.height()));
  }

  /** [1, 1 or 2, 3, side, side], the first picture before the last. */
  private static Tensor pixels(
      EncoderPictures encodes, RgbPicture first, Optional<RgbPicture> last) {
    PictureValues one = encodes.of(first);
    Optional<PictureValues> two = last.map(encodes::of);
    int pictures = two.isPresent() ? 2 : 1;
    Tensor pixels = Tensor.zeros(1, pictures, 3, one.height(), one.width());
    var values = pixels.floats();
    values.put(one.data());
    two.ifPresent(other -> values.put(other.data()));
    return pixels;
  }
}
