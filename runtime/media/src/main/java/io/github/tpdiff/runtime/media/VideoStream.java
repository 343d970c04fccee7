package io.github.tpdiff.runtime.media;

import static org.bytedeco.ffmpeg.global.avcodec.avcodec_alloc_context3;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_find_decoder;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_free_context;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_get_name;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_open2;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_parameters_to_context;
import static org.bytedeco.ffmpeg.global.avformat.AV_DISPOSITION_ATTACHED_PIC;
import static org.bytedeco.ffmpeg.global.avformat.av_find_best_stream;
import static org.bytedeco.ffmpeg.global.avformat.av_guess_frame_rate;
import static org.bytedeco.ffmpeg.global.avformat.av_guess_sample_aspect_ratio;
import static org.bytedeco.ffmpeg.global.avformat.avformat_close_input;
import static org.bytedeco.ffmpeg.global.avformat.avformat_find_stream_info;
import static org.bytedeco.ffmpeg.global.avformat.avformat_open_input;
import static org.bytedeco.ffmpeg.global.avutil.AVERROR_EINVAL;
import static org.bytedeco.ffmpeg.global.avutil.AVMEDIA_TYPE_VIDEO;
import static org.bytedeco.ffmpeg.global.avutil.av_dict_free;
import static org.bytedeco.ffmpeg.global.avutil.av_dict_get;
import static org.bytedeco.ffmpeg.global.avutil.av_dict_set;
import static org.bytedeco.ffmpeg.global.avutil.av_strerror;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.OptionalDouble;
import org.bytedeco.ffmpeg.avcodec.AVCodecContext;
import org.bytedeco.ffmpeg.avformat.AVFormatContext;
import org.bytedeco.ffmpeg.avformat.AVStream;
import org.bytedeco.ffmpeg.avutil.AVDictionary;
import org.bytedeco.ffmpeg.avutil.AVFrame;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.PointerPointer;

/** An opened video file: its best video stream, and a decoder ready for its packets. */
final class VideoStream implements AutoCloseable {
  /** libav's names of containers; playlists, manifests and scripts would open other files. */
  private static final String CONTAINERS =
      "mov,matroska,avi,gif,mpeg,mpegts,asf,flv,ogg,mxf,ivf,nut";

  private static final String PROTOCOL = "file";

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
    Ffmpeg.start();
    var format = openContainer(file);
    try {
      require(file, avformat_find_stream_info(format, (PointerPointer<?>) null));
      var stream = requireVideoStream(file, format);
      return new VideoStream(file, format, stream, openCodec(file, stream));
    } catch (IOException | RuntimeException e) {
      avformat_close_input(format);
      throw e;
    }
  }

  /** Opens a file that holds its pictures itself; whatever names other files is refused. */
  private static AVFormatContext openContainer(Path file) throws IOException {
    var format = new AVFormatContext(null);
    var options = new AVDictionary(null);
    // Without the protocol's name, a colon in the file's would be read as one.
    var url = (PROTOCOL + ":" + file.toAbsolutePath() + "\0").getBytes(StandardCharsets.UTF_8);
    try (var name = new BytePointer(url)) {
      av_dict_set(options, "format_whitelist", CONTAINERS, 0);
      av_dict_set(options, "protocol_whitelist", PROTOCOL, 0);
      int result = avformat_open_input(format, name, null, options);
      if (result == AVERROR_EINVAL()) {
        throw new IOException(
            "%s: expected a video in a container (%s), found another kind of file"
                .formatted(file, CONTAINERS.replace(",", ", ")));
      }
      require(file, result);
      return format;
    } finally {
      av_dict_free(options);
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

  /** The length that the header promises; empty where it does not say. */
  OptionalDouble promisedSeconds() {
    return format.duration() > 0
        ? OptionalDouble.of(format.duration() / 1e6)
        : OptionalDouble.empty();
  }

  /** The file's own statement of its rate. */
  double nominalFps() {
    var rate = av_guess_frame_rate(format, stream, null);
    return rate.num() > 0 && rate.den() > 0 ? (double) rate.num() / rate.den() : 25;
  }

  /** Width of a pixel of a stored picture over its height, as container or picture say. */
  double pixelAspect(AVFrame picture) {
    var aspect = av_guess_sample_aspect_ratio(format, stream, picture);
    return aspect.num() > 0 && aspect.den() > 0 ? (double) aspect.num() / aspect.den() : 1;
  }

  /** How a stored picture is shown: by its matrix, or by the tag of files that have none. */
  Orientation orientation(AVFrame picture) throws IOException {
    try {
      var matrix = Orientation.matrix(picture);
      if (matrix.isPresent()) {
        return Orientation.of(matrix.get());
      }
      var tag = av_dict_get(stream.metadata(), "rotate", null, 0);
      return tag == null
          ? Orientation.AS_STORED
          : Orientation.of(tag.value().getString(StandardCharsets.UTF_8));
    } catch (IllegalArgumentException other) {
      throw new IOException(
          file + ": " + other.getMessage() + "; convert the file to upright pictures", other);
    }
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
