package io.github.tpdiff.runtime.media;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.runtime.video.VideoClip;
import io.github.tpdiff.runtime.video.VideoFrame;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;

/**
 * Cuts a video into clips that begin where it is asked, later ones never before earlier ones; they
 * may overlap. One pass over the video; memory: one clip.
 *
 * <p>Frames are taken and framed as {@link ClipReader} does, at moments that are whole frames of
 * the clips' rate.
 */
public final class WindowReader implements AutoCloseable {
  private final ClipRequest request;
  private final FramePicker picker;
  private final Deque<Picked> window = new ArrayDeque<>();
  private int next;

  /**
   * A frame of the window.
   *
   * @param number of the moment, in frames of the clips' rate
   * @param source number of the video's frame
   * @param seconds when the video shows it
   */
  private record Picked(int number, VideoFrame frame, int source, double seconds) {}

  private WindowReader(ClipRequest request, FramePicker picker) {
    this.request = request;
    this.picker = picker;
  }

  /**
   * Opens a video for cutting.
   *
   * @param request whose most frames every clip has; it begins at second 0
   * @throws IOException if the file is missing or holds no video
   */
  public static WindowReader open(Path file, ClipRequest request) throws IOException {
    return new WindowReader(request, FramePicker.open(file, request));
  }

  /**
   * Cuts the clip that begins at a moment; empty when what is left is too short for it.
   *
   * @param start in frames of the clips' rate, from 0, not before that of the last clip
   * @throws DamagedVideoException if the file breaks before the clip's end
   */
  public Optional<ExtractedClip> at(int start) throws IOException {
    checkArgument(
        start >= 0 && (window.isEmpty() || start >= window.getFirst().number()),
        "start: expected none before the last clip's, found %s",
        start);
    while (!window.isEmpty() && window.getFirst().number() < start) {
      window.removeFirst();
    }
    int count = request.frames().most();
    for (next = Math.max(next, start); next < start + count; next++) {
      // Of the moments that went before only the last pick matters to the next.
      picker.startClip();
      Optional<VideoFrame> frame = picker.pick(next / request.fps());
      if (frame.isEmpty()) {
        return Optional.empty();
      }
      window.add(new Picked(next, frame.get(), picker.lastPick(), picker.lastPickSeconds()));
    }
    return Optional.of(clip(start));
  }

  private ExtractedClip clip(int start) {
    var clip = VideoClip.of(window.stream().map(Picked::frame).toList(), request.fps());
    int first = window.getFirst().source();
    int last = window.getLast().source();
    return new ExtractedClip(clip, report(start, first, last), first, last);
  }

  private ClipReport report(int start, int first, int last) {
    var intervals = new FrameIntervals();
    int distinct = 0;
    int before = -1;
    for (Picked picked : window) {
      if (picked.source() != before) {
        // Frames between are not looked at: as if each step were one frame of its mean length.
        intervals.add(picked.seconds(), before < 0 ? 1 : picked.source() - before);
        before = picked.source();
        distinct++;
      }
    }
    int count = window.size();
    return new ClipReport(
        start / request.fps(),
        (start + count) / request.fps(),
        intervals.meanFps().orElse(picker.nominalFps()),
        intervals.areVariable(),
        request.fps(),
        last - first + 1 - distinct,
        count - distinct,
        picker.scale(),
        picker.framing().cutColumns(),
        picker.framing().cutRows());
  }

  @Override
  public void close() {
    picker.close();
  }
}
