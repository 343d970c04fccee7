package io.github.tpdiff.runtime.media;

import io.github.tpdiff.runtime.video.VideoClip;
import io.github.tpdiff.runtime.video.VideoFrame;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Optional;

/**
 * A video file as a stream of upright frames in the order shown; one frame is in memory at a time.
 */
public final class VideoReader implements AutoCloseable {
  private final VideoDecoder decoder;
  private Optional<FrameScaler> scaler = Optional.empty();

  private VideoReader(VideoDecoder decoder) {
    this.decoder = decoder;
  }

  /**
   * Opens a video.
   *
   * @throws IOException if the file is missing or holds no video
   */
  public static VideoReader open(Path file) throws IOException {
    return new VideoReader(VideoDecoder.open(file));
  }

  /**
   * Decodes the whole file once and says what it holds.
   *
   * @throws DamagedVideoException if not all frames are readable
   */
  public static VideoInfo probe(Path file) throws IOException {
    try (var decoder = VideoDecoder.open(file)) {
      var intervals = new FrameIntervals();
      while (decoder.advance()) {
        intervals.add(decoder.seconds());
      }
      requireFrames(file, decoder);
      var framing = Framing.whole(decoder);
      boolean variable = intervals.areVariable();
      return new VideoInfo(
          decoder.decoded(),
          variable ? intervals.meanFps().orElseThrow() : decoder.stream().nominalFps(),
          variable,
          framing.width(),
          framing.height(),
          decoder.stream().codecName());
    }
  }

  /**
   * Decodes the first frame alone.
   *
   * @throws IOException if the file is missing or holds no video
   */
  public static VideoOutline outline(Path file) throws IOException {
    try (var decoder = VideoDecoder.open(file)) {
      if (!decoder.advance()) {
        requireFrames(file, decoder);
      }
      int width = (int) Math.max(1, Math.round(decoder.width() * decoder.pixelAspect()));
      boolean turned = decoder.orientation().transposed();
      return new VideoOutline(
          PictureReader.size(turned ? decoder.height() : width, turned ? width : decoder.height()),
          decoder.stream().promisedSeconds());
    }
  }

  private static void requireFrames(Path file, VideoDecoder decoder) throws IOException {
    if (decoder.decoded() == 0) {
      throw new DamagedVideoException(file, 0, "expected at least one frame, found none");
    }
  }

  /** Reads a whole video into memory; its rate is the file's nominal one. */
  public static VideoClip readAll(Path file) throws IOException {
    try (var reader = open(file)) {
      var frames = new ArrayList<VideoFrame>();
      for (var next = reader.next(); next.isPresent(); next = reader.next()) {
        frames.add(next.get());
      }
      requireFrames(file, reader.decoder);
      return VideoClip.of(frames, reader.decoder.stream().nominalFps());
    }
  }

  /** The file's own statement of its rate, in frames per second. */
  public double fps() {
    return decoder.stream().nominalFps();
  }

  /**
   * Decodes the next frame; empty after the last.
   *
   * @throws DamagedVideoException if the file breaks here
   */
  public Optional<VideoFrame> next() throws IOException {
    if (!decoder.advance()) {
      return Optional.empty();
    }
    if (scaler.isEmpty()) {
      scaler = Optional.of(new FrameScaler(decoder.frame(), Framing.whole(decoder)));
    }
    return Optional.of(scaler.get().scale(decoder.frame(), decoder.seconds()));
  }

  @Override
  public void close() {
    scaler.ifPresent(FrameScaler::close);
    decoder.close();
  }
}
