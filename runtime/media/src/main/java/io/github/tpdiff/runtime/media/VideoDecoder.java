package io.github.tpdiff.runtime.media;

import static org.bytedeco.ffmpeg.global.avcodec.AV_PKT_FLAG_CORRUPT;
import static org.bytedeco.ffmpeg.global.avcodec.av_packet_alloc;
import static org.bytedeco.ffmpeg.global.avcodec.av_packet_free;
import static org.bytedeco.ffmpeg.global.avcodec.av_packet_unref;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_receive_frame;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_send_packet;
import static org.bytedeco.ffmpeg.global.avformat.AVFMT_DURATION_FROM_STREAM;
import static org.bytedeco.ffmpeg.global.avformat.av_read_frame;
import static org.bytedeco.ffmpeg.global.avutil.AVERROR_EAGAIN;
import static org.bytedeco.ffmpeg.global.avutil.AVERROR_EOF;
import static org.bytedeco.ffmpeg.global.avutil.AVERROR_INVALIDDATA;
import static org.bytedeco.ffmpeg.global.avutil.AV_NOPTS_VALUE;
import static org.bytedeco.ffmpeg.global.avutil.av_frame_alloc;
import static org.bytedeco.ffmpeg.global.avutil.av_frame_free;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import org.bytedeco.ffmpeg.avcodec.AVPacket;
import org.bytedeco.ffmpeg.avutil.AVFrame;

/**
 * The pictures of a file's video stream, one after another, in the order shown.
 *
 * <p>Speaks to libav directly: JavaCV's grabber takes a read error for the end of the file, so a
 * truncated video would pass for a short one.
 */
final class VideoDecoder implements AutoCloseable {
  /** Headers round, and last frames have no length in some containers. */
  private static final double MISSING_SECONDS = 1;

  private final VideoStream stream;
  private final AVPacket packet = av_packet_alloc();
  private final AVFrame frame = av_frame_alloc();

  private int decoded;
  private int width;
  private int height;
  private double pixelAspect = 1;
  private Orientation orientation = Orientation.AS_STORED;
  private final FrameTimes times;
  private double endSeconds;
  private Optional<String> damage = Optional.empty();

  private VideoDecoder(VideoStream stream) {
    this.stream = stream;
    this.times = new FrameTimes(1 / stream.nominalFps());
  }

  static VideoDecoder open(Path file) throws IOException {
    return new VideoDecoder(VideoStream.open(file));
  }

  /**
   * Decodes the next picture.
   *
   * @return false after the last one
   * @throws DamagedVideoException if the stream breaks here
   */
  boolean advance() throws IOException {
    while (true) {
      int result = avcodec_receive_frame(stream.codec(), frame);
      if (result == 0) {
        accept();
        return true;
      }
      if (result == AVERROR_EOF) {
        if (damage.isPresent()) {
          throw damaged(damage.get());
        }
        return false;
      }
      if (result != AVERROR_EAGAIN()) {
        throw damaged(VideoStream.message(result));
      }
      feed();
    }
  }

  private void accept() throws IOException {
    if (frame.decode_error_flags() != 0 || (frame.flags() & AVFrame.AV_FRAME_FLAG_CORRUPT) != 0) {
      throw damaged("picture data is damaged");
    }
    var shown = stream.orientation(frame);
    if (decoded == 0) {
      orientation = shown;
      pixelAspect = stream.pixelAspect(frame);
      width = frame.width();
      height = frame.height();
    }
    if (frame.width() != width || frame.height() != height) {
      throw new IOException(
          "%s: expected %d x %d throughout, found %d x %d at frame %d; convert the file to one size"
              .formatted(stream.file(), width, height, frame.width(), frame.height(), decoded));
    }
    if (!shown.equals(orientation)) {
      throw new IOException(
          "%s: expected one orientation throughout, found another at frame %d; convert the file to upright pictures"
              .formatted(stream.file(), decoded));
    }
    long timestamp = frame.best_effort_timestamp();
    times.add(
        timestamp == AV_NOPTS_VALUE
            ? OptionalDouble.empty()
            : OptionalDouble.of(stream.seconds(timestamp)));
    decoded++;
  }

  /** Hands the decoder one more packet; at the end, or at damage, asks for what it still holds. */
  private void feed() {
    int result = read();
    if (result == 0) {
      result = avcodec_send_packet(stream.codec(), packet);
    }
    if (result < 0) {
      damage = result == AVERROR_EOF ? missingEnd() : Optional.of(VideoStream.message(result));
      avcodec_send_packet(stream.codec(), null);
    }
    av_packet_unref(packet);
  }

  private int read() {
    int result;
    do {
      av_packet_unref(packet);
      result = av_read_frame(stream.format(), packet);
      // Some containers tell the order of decoding alone.
      long shown = packet.pts() == AV_NOPTS_VALUE ? packet.dts() : packet.pts();
      if (result == 0 && shown != AV_NOPTS_VALUE) {
        var base = stream.format().streams(packet.stream_index()).time_base();
        double end = (double) (shown + packet.duration()) * base.num() / base.den();
        endSeconds = Math.max(endSeconds, end);
      }
    } while (result == 0 && packet.stream_index() != stream.index());
    boolean corrupt = result == 0 && (packet.flags() & AV_PKT_FLAG_CORRUPT) != 0;
    return corrupt ? AVERROR_INVALIDDATA : result;
  }

  /** Some containers just stop when cut; their header still says how long they were. */
  private Optional<String> missingEnd() {
    var format = stream.format();
    if (format.duration_estimation_method() != AVFMT_DURATION_FROM_STREAM
        || format.duration() <= 0) {
      return Optional.empty();
    }
    double start = format.start_time() == AV_NOPTS_VALUE ? 0 : format.start_time() / 1e6;
    double promised = format.duration() / 1e6;
    double found = endSeconds - start;
    return promised - found > MISSING_SECONDS
        ? Optional.of(
            String.format(Locale.ROOT, "the file ends after %.1f of %.1f seconds", found, promised))
        : Optional.empty();
  }

  VideoStream stream() {
    return stream;
  }

  /** The picture decoded last; valid until the next one. */
  AVFrame frame() {
    return frame;
  }

  /** Width of the stored pictures, once there is one. */
  int width() {
    return width;
  }

  /** Height of the stored pictures, once there is one. */
  int height() {
    return height;
  }

  /** Width of a stored pixel over its height, once there is a picture. */
  double pixelAspect() {
    return pixelAspect;
  }

  /** How the stored pictures are shown, once there is one. */
  Orientation orientation() {
    return orientation;
  }

  /** When the picture decoded last is shown, counted from the first. */
  double seconds() {
    return times.seconds();
  }

  /** Number of pictures decoded so far. */
  int decoded() {
    return decoded;
  }

  /** How long the picture decoded last is shown. */
  double frameSeconds() {
    return frame.duration() > 0 ? stream.seconds(frame.duration()) : 1 / stream.nominalFps();
  }

  private IOException damaged(String found) {
    long promised = stream.promisedFrames();
    var expected = promised > 0 ? "expected " + promised + " frames, found: " : "broken: ";
    return new DamagedVideoException(stream.file(), decoded, expected + found);
  }

  @Override
  public void close() {
    av_frame_free(frame);
    av_packet_free(packet);
    stream.close();
  }
}
