package io.github.tpdiff.runtime.pipeline;

import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.model.ComponentDescription;
import io.github.tpdiff.runtime.model.ModelDescription;
import io.github.tpdiff.runtime.model.NetworkInputs;
import io.github.tpdiff.runtime.model.PipelineParts;
import io.github.tpdiff.runtime.video.VideoClip;
import io.github.tpdiff.weights.CheckpointException;
import java.util.Arrays;

/**
 * Clips to normalised latents, one latent frame at a time.
 *
 * <p>Holds the encoder from the first clip until closed.
 */
public final class VaeEncoder implements AutoCloseable {
  private final ModelDescription.Latents geometry;
  private final ChunkedVae vae;

  private VaeEncoder(ModelDescription.Latents geometry, ChunkedVae vae) {
    this.geometry = geometry;
    this.vae = vae;
  }

  /**
   * The encoder of a pipeline.
   *
   * @throws CheckpointException if it has none
   */
  public static VaeEncoder open(PipelineParts parts) {
    return new VaeEncoder(
        parts.description().latents(), new ChunkedVae(parts, ComponentDescription.VAE_ENCODER));
  }

  /**
   * The mean latents of a clip, {@code (latent − mean) / std}, [1, C, F, H, W].
   *
   * @throws IllegalArgumentException if the model has no latents of the clip's size; the nearest
   *     sizes that it has are named
   */
  public Latents encode(VideoClip clip) {
    LatentShape shape =
        new VideoSize(clip.height(), clip.width(), clip.frames(), clip.fps())
            .latentShape(geometry, StageConfig.vanilla());
    Latents latents = Latents.zeros(shape);
    ChunkedVae.Run run = vae.start();
    int from = 0;
    for (int f = 0; f < shape.frames(); f++) {
      int to = geometry.frames(f + 1);
      normalise(run.chunk("sample", frames(clip, from, to), "latent_mean"), latents, f);
      from = to;
    }
    return latents;
  }

  private static Tensor frames(VideoClip clip, int from, int to) {
    int plane = clip.height() * clip.width();
    int count = to - from;
    Tensor chunk = Tensor.zeros(1, 3, count, clip.height(), clip.width());
    var values = chunk.floats();
    for (int c = 0; c < 3; c++) {
      values.put(clip.data(), (c * clip.frames() + from) * plane, count * plane);
    }
    return chunk;
  }

  private void normalise(Tensor chunk, Latents latents, int frame) {
    LatentShape shape = latents.shape();
    if (!Arrays.equals(chunk.shape(), NetworkInputs.extents(shape.withFrames(1)))) {
      throw new CheckpointException(
          "%s: latent_mean: expected %s, found %s"
              .formatted(
                  ComponentDescription.VAE_ENCODER,
                  shape.withFrames(1),
                  Arrays.toString(chunk.shape())));
    }
    float[] values = chunk.toFloatArray();
    int pixels = shape.pixels();
    for (int c = 0; c < shape.channels(); c++) {
      double mean = geometry.mean(frame, c);
      double std = geometry.std(frame, c);
      int to = (c * shape.frames() + frame) * pixels;
      for (int i = 0; i < pixels; i++) {
        latents.data()[to + i] = (float) ((values[c * pixels + i] - mean) / std);
      }
    }
  }

  /** Frees the encoder. */
  @Override
  public void close() {
    vae.close();
  }
}
