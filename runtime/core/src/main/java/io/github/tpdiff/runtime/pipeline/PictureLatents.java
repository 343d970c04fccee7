package io.github.tpdiff.runtime.pipeline;

import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.model.ModelDescription;
import io.github.tpdiff.runtime.model.PictureUse;
import io.github.tpdiff.runtime.video.VideoClip;
import java.util.Arrays;

/**
 * Pictures to the condition that {@link PictureUse} describes.
 *
 * @param use how the model is told of pictures
 * @param latents the model's
 * @param encoder of clips
 */
record PictureLatents(PictureUse use, ModelDescription.Latents latents, VaeEncoder encoder) {
  /** The rate of the clip that is encoded, which nothing depends on. */
  private static final double FPS = 1;

  /** F32 [1, mask + C, frames, h, w] for a clip of latents of a shape. */
  Tensor of(GivenPictures pictures, LatentShape clip) {
    Latents encoded =
        switch (use.given()) {
          case CLIP -> encoder.encode(between(pictures, latents.frames(clip.frames())));
          case FIRST_FRAME -> encoder.encode(between(pictures, 1));
        };
    int masks = use.maskChannels(latents.temporalFactor());
    int frame = clip.pixels();
    int channel = clip.frames() * frame;
    var values = new float[(masks + clip.channels()) * channel];
    for (int mask = 0; mask < masks; mask++) {
      Arrays.fill(values, mask * channel, mask * channel + frame, 1);
    }
    if (pictures
        .last()
        .isPresent()) { // it is the last of the pixel frames of the last latent frame
      Arrays.fill(values, masks * channel - frame, masks * channel, 1);
    }
    int own = encoded.shape().frames() * frame;
    for (int c = 0; c < clip.channels(); c++) {
      System.arraycopy(encoded.data(), c * own, values, (masks + c) * channel, own);
    }
    return Tensor.ofFloats(
        values, 1, masks + clip.channels(), clip.frames(), clip.height(), clip.width());
  }

  /** The pictures with mid grey in all frames between. */
  private static VideoClip between(GivenPictures pictures, int frames) {
    int plane = pictures.height() * pictures.width();
    var data = new float[Math.multiplyExact(3 * plane, frames)];
    put(pictures.first(), 0, frames, data);
    pictures.last().ifPresent(last -> put(last, frames - 1, frames, data));
    return new VideoClip(data, frames, pictures.height(), pictures.width(), FPS);
  }

  private static void put(Tensor picture, int frame, int frames, float[] data) {
    var values = picture.floats();
    int plane = values.remaining() / 3;
    for (int c = 0; c < 3; c++) {
      values.get(data, (c * frames + frame) * plane, plane);
    }
  }
}
