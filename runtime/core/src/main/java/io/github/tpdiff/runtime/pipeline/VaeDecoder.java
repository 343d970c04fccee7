package io.github.tpdiff.runtime.pipeline;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.model.ComponentDescription;
import io.github.tpdiff.runtime.model.ModelDescription;
import io.github.tpdiff.runtime.model.PipelineParts;
import io.github.tpdiff.runtime.video.FrameConsumer;
import io.github.tpdiff.runtime.video.VideoFrame;
import io.github.tpdiff.weights.CheckpointException;
import java.nio.FloatBuffer;
import java.util.Arrays;

/**
 * Latents to frames, one latent frame at a time: memory for one chunk, whatever the clip's length.
 *
 * <p>Holds the decoder from the first clip until closed.
 */
public final class VaeDecoder implements AutoCloseable {
  private final ModelDescription.Latents geometry;
  private final ChunkedVae vae;

  private VaeDecoder(ModelDescription.Latents geometry, ChunkedVae vae) {
    this.geometry = geometry;
    this.vae = vae;
  }

  /**
   * The decoder of a pipeline.
   *
   * @throws CheckpointException if it has none
   */
  public static VaeDecoder open(PipelineParts parts) {
    return new VaeDecoder(
        parts.description().latents(), new ChunkedVae(parts, ComponentDescription.VAE_DECODER));
  }

  /**
   * Decodes one clip.
   *
   * @param latents normalised, [1, C, F, H, W]
   * @param fps frames per second
   * @param consumer given each frame as soon as its chunk is decoded
   * @throws IllegalArgumentException if the latents are not one clip of the model's channels
   */
  public <E extends Exception> void decode(Latents latents, double fps, FrameConsumer<E> consumer)
      throws E {
    checkArgument(
        latents.shape().batch() == 1 && latents.shape().channels() == geometry.channels(),
        "latents: expected one clip of %s channels, found %s",
        geometry.channels(),
        latents.shape());
    ChunkedVae.Run run = vae.start();
    int shown = 0;
    for (int f = 0; f < latents.frames(); f++) {
      Tensor sample = run.chunk("latent_sample", denormalised(latents, f), "sample");
      int frames = requireFrames(sample, geometry.frames(f + 1) - shown);
      for (int i = 0; i < frames; i++, shown++) {
        consumer.accept(frame(sample, i, shown / fps));
      }
    }
  }

  /** One latent frame as the decoder takes it, {@code x · std + mean}. */
  private Tensor denormalised(Latents latents, int frame) {
    int pixels = latents.shape().pixels();
    var values = new float[geometry.channels() * pixels];
    for (int c = 0; c < geometry.channels(); c++) {
      double mean = geometry.mean(frame, c);
      double std = geometry.std(frame, c);
      int from = (c * latents.frames() + frame) * pixels;
      for (int i = 0; i < pixels; i++) {
        values[c * pixels + i] = (float) (latents.data()[from + i] * std + mean);
      }
    }
    return Tensor.ofFloats(
        values, 1, geometry.channels(), 1, latents.shape().height(), latents.shape().width());
  }

  private static int requireFrames(Tensor sample, int expected) {
    long[] shape = sample.shape();
    if (shape.length != 5 || shape[0] != 1 || shape[1] != 3 || shape[2] != expected) {
      throw new CheckpointException(
          "%s: sample: expected [1, 3, %d, H, W], found %s"
              .formatted(ComponentDescription.VAE_DECODER, expected, Arrays.toString(shape)));
    }
    return expected;
  }

  private static VideoFrame frame(Tensor sample, int frame, double seconds) {
    long[] shape = sample.shape();
    int frames = (int) shape[2];
    int height = (int) shape[3];
    int width = (int) shape[4];
    int plane = height * width;
    var data = new float[3 * plane];
    FloatBuffer values = sample.floats();
    for (int c = 0; c < 3; c++) {
      values.position((c * frames + frame) * plane).get(data, c * plane, plane);
    }
    for (int i = 0; i < data.length; i++) {
      data[i] = Math.max(-1, Math.min(1, data[i]));
    }
    return new VideoFrame(data, height, width, seconds);
  }

  /** Frees the decoder. */
  @Override
  public void close() {
    vae.close();
  }
}
