package io.github.tpdiff.runtime.media;

import static org.bytedeco.ffmpeg.global.avcodec.AV_PKT_DATA_DISPLAYMATRIX;
import static org.bytedeco.ffmpeg.global.avcodec.av_packet_side_data_get;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_alloc_context3;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_find_decoder;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_free_context;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_get_name;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_open2;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_parameters_to_context;
import static org.bytedeco.ffmpeg.global.avformat.AV_DISPOSITION_ATTACHED_PIC;
import static org.bytedeco.ffmpeg.global.avformat.av_find_best_stream;
import static org.bytedeco.ffmpeg.global.avformat.av_guess_frame_rate;
import static org.bytedeco.ffmpeg.global.avformat.avformat_close_input;
import static org.bytedeco.ffmpeg.global.avformat.avformat_find_stream_info;
import static org.bytedeco.ffmpeg.global.avformat.avformat_open_input;
import static org.bytedeco.ffmpeg.global.avutil.AVMEDIA_TYPE_VIDEO;
import static org.bytedeco.ffmpeg.global.avutil.AV_LOG_QUIET;
import static org.bytedeco.ffmpeg.global.avutil.av_display_rotation_get;
import static org.bytedeco.ffmpeg.global.avutil.av_log_set_level;
import static org.bytedeco.ffmpeg.global.avutil.av_strerror;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import org.bytedeco.ffmpeg.avcodec.AVCodecContext;
import org.bytedeco.ffmpeg.avformat.AVFormatContext;
import org.bytedeco.ffmpeg.avformat.AVStream;
import org.bytedeco.ffmpeg.avutil.AVDictionary;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.PointerPointer;

/** An opened video file: its best video stream, and a decoder ready for its packets. */
final class VideoStream implements AutoCloseable {
  static {
    // Errors come back as codes and are reported by us, once.
    av_log_set_level(AV_LOG_QUIET);
  }

  private final Path file;
  private final AVFormatContext format;
  private final AVStream stream;
  private final AVCodecContext codec;

  private VideoStream(Path file, AVFormatContext format, AVStream stream, AVCodecContext codec) {
    this.file = file;
    this.format = format;
    this.stream = stream;
    this.codec = codec;
  }

  static VideoStream open(Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      throw new IOException(file + ": expected a video file, found none");
    }
    var format = new AVFormatContext(null);
    require(file, avformat_open_input(format, file.toString(), null, null));
    try {
      require(file, avformat_find_stream_info(format, (PointerPointer<?>) null));
      var stream = requireVideoStream(file, format);
      return new VideoStream(file, format, stream, openCodec(file, stream));
    } catch (IOException | RuntimeException e) {
      avformat_close_input(format);
      throw e;
    }
  }

  private static AVStream requireVideoStream(Path file, AVFormatContext format) throws IOException {
    int index =
        av_find_best_stream(format, AVMEDIA_TYPE_VIDEO, -1, -1, (PointerPointer<?>) null, 0);
    if (index < 0 || (format.streams(index).disposition() & AV_DISPOSITION_ATTACHED_PIC) != 0) {
      throw new IOException(file + ": expected a video stream, found none");
    }
    return format.streams(index);
  }

  private static AVCodecContext openCodec(Path file, AVStream stream) throws IOException {
    var decoder = avcodec_find_decoder(stream.codecpar().codec_id());
    if (decoder == null) {
      throw new IOException(
          file + ": no decoder for codec " + codecName(stream) + "; convert the file to H.264");
    }
    var codec = avcodec_alloc_context3(decoder);
    try {
      require(file, avcodec_parameters_to_context(codec, stream.codecpar()));
      codec.pkt_timebase(stream.time_base());
      codec.thread_count(0);
      require(file, avcodec_open2(codec, decoder, (AVDictionary) null));
      return codec;
    } catch (IOException e) {
      avcodec_free_context(codec);
      throw e;
    }
  }

  Path file() {
    return file;
  }

  AVFormatContext format() {
    return format;
  }

  AVCodecContext codec() {
    return codec;
  }

  int index() {
    return stream.index();
  }

  /** The number of frames that the header promises; 0 where it does not say. */
  long promisedFrames() {
    return stream.nb_frames();
  }

  /** The file's own statement of its rate. */
  double nominalFps() {
    var rate = av_guess_frame_rate(format, stream, null);
    return rate.num() > 0 && rate.den() > 0 ? (double) rate.num() / rate.den() : 25;
  }

  /** Width of the stored picture, before rotation. */
  int codedWidth() {
    return codec.width();
  }

  /** Height of the stored picture, before rotation. */
  int codedHeight() {
    return codec.height();
  }

  /** Width of a pixel over its height. */
  double pixelAspect() {
    var aspect = stream.codecpar().sample_aspect_ratio();
    return aspect.num() > 0 && aspect.den() > 0 ? (double) aspect.num() / aspect.den() : 1;
  }

  /** Degrees to turn the stored picture clockwise, rounded to quarters. */
  int rotation() {
    var data = stream.codecpar();
    var matrix =
        av_packet_side_data_get(
            data.coded_side_data(), data.nb_coded_side_data(), AV_PKT_DATA_DISPLAYMATRIX);
    if (matrix == null) {
      return 0;
    }
    double counterclockwise = av_display_rotation_get(new IntPointer(matrix.data()));
    return Double.isNaN(counterclockwise)
        ? 0
        : Math.floorMod(-(int) Math.round(counterclockwise / 90), 4) * 90;
  }

  String codecName() {
    return codecName(stream);
  }

  private static String codecName(AVStream stream) {
    return avcodec_get_name(stream.codecpar().codec_id()).getString();
  }

  /** A time of this stream in seconds. */
  double seconds(long ticks) {
    var base = stream.time_base();
    return (double) ticks * base.num() / base.den();
  }

  private static void require(Path file, int result) throws IOException {
    if (result < 0) {
      throw new IOException(
          "%s: expected a video, found: %s; the file is cut off or of another kind"
              .formatted(file, message(result)));
    }
  }

  /** What libav says about an error code. */
  static String message(int error) {
    var text = new byte[256];
    av_strerror(error, text, text.length);
    int end = 0;
    while (text[end] != 0) {
      end++;
    }
    return new String(text, 0, end, StandardCharsets.UTF_8).toLowerCase(Locale.ROOT);
  }

  @Override
  public void close() {
    avcodec_free_context(codec);
    avformat_close_input(format);
  }
}
