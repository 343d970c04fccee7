package io.github.tpdiff.runtime.media;

import io.github.tpdiff.runtime.video.VideoClip;
import io.github.tpdiff.runtime.video.VideoFrame;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Optional;

/**
 * Cuts a video into clips for training, one after another without overlap, in one pass.
 *
 * <p>At each moment of the clip the frame nearest in time is taken, by the video's own timestamps,
 * so variable rates come out steady. Frames are scaled until they cover the wanted size and cut
 * evenly on both sides. Memory: one clip.
 */
public final class ClipReader implements AutoCloseable {
  private final ClipRequest request;
  private final FramePicker picker;
  private double start;
  private boolean finished;

  private ClipReader(ClipRequest request, FramePicker picker) {
    this.request = request;
    this.picker = picker;
    this.start = request.startSeconds();
  }

  /**
   * Opens a video for cutting.
   *
   * @throws IOException if the file is missing or holds no video
   */
  public static ClipReader open(Path file, ClipRequest request) throws IOException {
    return new ClipReader(request, FramePicker.open(file, request));
  }

  /**
   * Cuts the first clip.
   *
   * @throws IOException if the video is too short for one
   */
  public static ExtractedClip first(Path file, ClipRequest request) throws IOException {
    try (var reader = open(file, request)) {
      return reader
          .next()
          .orElseThrow(
              () ->
                  new IOException(
                      "%s: expected %d frames at %s fps from second %s, found %d; lower the frame"
                              .formatted(
                                  file,
                                  request.frames().least(),
                                  request.fps(),
                                  request.startSeconds(),
                                  reader.picker.picked())
                          + " count or leave the file out"));
    }
  }

  /**
   * Cuts the next clip; empty when what is left is too short for one.
   *
   * @throws DamagedVideoException if the file breaks before the clip's end
   */
  public Optional<ExtractedClip> next() throws IOException {
    if (finished) {
      return Optional.empty();
    }
    int most = request.frames().most();
    picker.startClip();
    var frames = new ArrayList<VideoFrame>(most);
    while (frames.size() < most) {
      var frame = picker.pick(start + frames.size() / request.fps());
      if (frame.isEmpty()) {
        break;
      }
      frames.add(frame.get());
    }
    int count = request.frames().fitting(frames.size());
    if (count == 0) {
      return Optional.empty();
    }
    var clip = VideoClip.of(frames.subList(0, count), request.fps());
    double end = start + count / request.fps();
    var report = picker.report(start, end, count);
    start = end;
    finished = frames.size() < most;
    return Optional.of(
        new ExtractedClip(clip, report, picker.pickedFrame(0), picker.pickedFrame(count - 1)));
  }

  @Override
  public void close() {
    picker.close();
  }
}
