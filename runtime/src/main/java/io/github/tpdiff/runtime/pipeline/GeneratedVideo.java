package io.github.tpdiff.runtime.pipeline;

import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.media.VideoClip;
import io.github.tpdiff.runtime.media.VideoFormat;
import io.github.tpdiff.runtime.media.VideoFrame;
import io.github.tpdiff.runtime.media.VideoWriter;
import io.github.tpdiff.runtime.pipeline.GenerationListener.Phase;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;

/** Generated latents, and the video that they decode to; every method decodes anew. */
public final class GeneratedVideo {
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

  /** Hands over each frame as soon as its chunk is decoded. */
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

  /**
   * Writes an mp4, in memory for one chunk; it appears when it is complete.
   *
   * @throws IllegalArgumentException if the name does not end in .mp4
   * @throws IOException if it cannot be written
   */
  public void write(Path mp4) throws IOException {
    write(mp4, frame -> {});
  }

  /** The same, handing over each frame that is written. */
  public void write(Path mp4, FrameConsumer<IOException> also) throws IOException {
    int factor = parts.description().latents().spatialFactor();
    var format =
        new VideoFormat(latents.shape().width() * factor, latents.shape().height() * factor, fps);
    try (var writer = VideoWriter.open(mp4, format)) {
      this.<IOException>decode(
          frame -> {
            writer.write(frame);
            also.accept(frame);
          });
      writer.finish();
    }
  }
}
