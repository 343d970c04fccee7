package io.github.tpdiff.runtime.pipeline;

import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.model.PipelineParts;
import io.github.tpdiff.runtime.pipeline.GenerationListener.Phase;
import io.github.tpdiff.runtime.video.FrameConsumer;
import io.github.tpdiff.runtime.video.Video;
import io.github.tpdiff.runtime.video.VideoClip;
import io.github.tpdiff.runtime.video.VideoFormat;
import io.github.tpdiff.runtime.video.VideoFrame;
import java.util.ArrayList;

/** Generated latents, and the video that they decode to; every method decodes anew. */
public final class GeneratedVideo implements Video {
  private final PipelineParts parts;
  private final Latents latents;
  private final double fps;
  private final GenerationListener listener;

  /**
   * @param parts with a decoder; stay the caller's to close
   * @param latents normalised, [1, C, F, H, W]
   * @param fps frames per second
   * @param listener told of every decoded frame
   */
  public GeneratedVideo(
      PipelineParts parts, Latents latents, double fps, GenerationListener listener) {
    this.parts = parts;
    this.latents = latents;
    this.fps = fps;
    this.listener = listener;
  }

  /** Normalised, [1, C, F, H, W]. */
  public Latents latents() {
    return latents;
  }

  @Override
  public VideoFormat format() {
    int factor = parts.description().latents().spatialFactor();
    return new VideoFormat(
        latents.shape().width() * factor, latents.shape().height() * factor, fps);
  }

  /** Hands over each frame as soon as its chunk is decoded. */
  @Override
  public <E extends Exception> void decode(FrameConsumer<E> consumer) throws E {
    listener.onPhase(Phase.DECODING);
    int frames = parts.description().latents().frames(latents.frames());
    var done = new int[1];
    try (var decoder = VaeDecoder.open(parts)) {
      decoder.<E>decode(
          latents,
          fps,
          frame -> {
            consumer.accept(frame);
            listener.onFrame(++done[0], frames);
          });
    }
  }

  /** The whole video in memory. */
  public VideoClip clip() {
    var frames = new ArrayList<VideoFrame>();
    this.<RuntimeException>decode(frames::add);
    return VideoClip.of(frames, fps);
  }
}
