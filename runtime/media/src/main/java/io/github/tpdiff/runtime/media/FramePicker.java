package io.github.tpdiff.runtime.media;

import static org.bytedeco.ffmpeg.global.avutil.av_frame_alloc;
import static org.bytedeco.ffmpeg.global.avutil.av_frame_free;
import static org.bytedeco.ffmpeg.global.avutil.av_frame_move_ref;
import static org.bytedeco.ffmpeg.global.avutil.av_frame_ref;
import static org.bytedeco.ffmpeg.global.avutil.av_frame_unref;

import io.github.tpdiff.runtime.video.VideoFrame;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.bytedeco.ffmpeg.avutil.AVFrame;

/**
 * The frame of a video nearest to a moment, for moments that only go forward; two decoded pictures
 * are held, and only picked ones are scaled.
 */
final class FramePicker implements AutoCloseable {
  /** Half a microsecond: times that should be equal differ by rounding. */
  private static final double SAME_TIME = 5e-7;

  private final VideoDecoder decoder;
  private final ClipRequest request;
  private final AVFrame earlier = av_frame_alloc();
  private final AVFrame later = av_frame_alloc();
  private Optional<FrameScaler> scaler = Optional.empty();

  /** Index and time of the later picture; the earlier one comes just before it. */
  private int index = -1;

  private double earlierSeconds = Double.NEGATIVE_INFINITY;
  private double laterSeconds = Double.NEGATIVE_INFINITY;
  private double lastFrameSeconds;
  private boolean ended;

  private final List<Integer> picks = new ArrayList<>();
  private FrameIntervals intervals = new FrameIntervals();

  private FramePicker(VideoDecoder decoder, ClipRequest request) {
    this.decoder = decoder;
    this.request = request;
  }

  static FramePicker open(Path file, ClipRequest request) throws IOException {
    return new FramePicker(VideoDecoder.open(file), request);
  }

  void startClip() {
    picks.clear();
    intervals = new FrameIntervals();
  }

  int picked() {
    return picks.size();
  }

  /** The frame of the video that was picked as so manieth since the clip's start. */
  int pickedFrame(int number) {
    return picks.get(number);
  }

  /** The frame of the video that was picked last. */
  int lastPick() {
    return picks.get(picks.size() - 1);
  }

  /** When the video shows the frame that was picked last. */
  double lastPickSeconds() {
    return lastPick() == index ? laterSeconds : earlierSeconds;
  }

  /** The file's own statement of its rate. */
  double nominalFps() {
    return decoder.stream().nominalFps();
  }

  /** How pictures are scaled and cut; known once one was picked. */
  Framing framing() {
    return scaler.orElseThrow().framing();
  }

  /** Factor from the video's shown height to the clip's. */
  double scale() {
    return (double) framing().scaledHeight() / decoder.height();
  }

  /** The frame nearest to a moment, not before the last one asked for; empty past the end. */
  Optional<VideoFrame> pick(double seconds) throws IOException {
    while (!ended && laterSeconds <= seconds + SAME_TIME) {
      advance();
    }
    if (ended && seconds + SAME_TIME >= laterSeconds + lastFrameSeconds) {
      return Optional.empty();
    }
    // Of two frames as near, the earlier.
    boolean takeLater = ended || laterSeconds - seconds < seconds - earlierSeconds - SAME_TIME;
    var picture = takeLater ? later : earlier;
    if (scaler.isEmpty()) {
      var framing = Framing.cover(decoder, request.width(), request.height());
      scaler = Optional.of(new FrameScaler(picture, framing));
    }
    picks.add(takeLater ? index : index - 1);
    return Optional.of(scaler.get().scale(picture, seconds));
  }

  private void advance() throws IOException {
    if (!decoder.advance()) {
      ended = true;
      return;
    }
    av_frame_unref(earlier);
    av_frame_move_ref(earlier, later);
    av_frame_ref(later, decoder.frame());
    earlierSeconds = laterSeconds;
    laterSeconds = decoder.seconds();
    lastFrameSeconds = decoder.frameSeconds();
    intervals.add(laterSeconds);
    index++;
  }

  /** What was done for the first {@code count} picks since the clip's start. */
  ClipReport report(double start, double end, int count) {
    int span = picks.get(count - 1) - picks.get(0) + 1;
    int distinct = (int) picks.subList(0, count).stream().distinct().count();
    return new ClipReport(
        start,
        end,
        intervals.meanFps().orElse(decoder.stream().nominalFps()),
        intervals.areVariable(),
        request.fps(),
        span - distinct,
        count - distinct,
        scale(),
        framing().cutColumns(),
        framing().cutRows());
  }

  @Override
  public void close() {
    scaler.ifPresent(FrameScaler::close);
    av_frame_free(earlier);
    av_frame_free(later);
    decoder.close();
  }
}
