package io.github.tpdiff.runtime.media;

import static com.google.common.base.Preconditions.checkArgument;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_find_encoder_by_name;
import static org.bytedeco.ffmpeg.global.avutil.AV_PIX_FMT_RGB24;
import static org.bytedeco.ffmpeg.global.avutil.AV_PIX_FMT_YUV420P;

import io.github.tpdiff.runtime.video.FrameConsumer;
import io.github.tpdiff.runtime.video.Video;
import io.github.tpdiff.runtime.video.VideoFormat;
import io.github.tpdiff.runtime.video.VideoFrame;
import io.github.tpdiff.weights.AtomicFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import org.bytedeco.javacv.FFmpegFrameRecorder;
import org.bytedeco.javacv.Frame;
import org.bytedeco.javacv.FrameRecorder;

/**
 * Writes an mp4 frame by frame: H.264, or MPEG-4 Part 2 where the ffmpeg build has no H.264 encoder
 * or the picture is too small for it.
 *
 * <p>The file appears under its name when {@link #finish} returns; closed before that, it never
 * does.
 */
public final class VideoWriter implements AutoCloseable {
  /** Smallest side that openh264 takes. */
  private static final int H264_LEAST_SIDE = 16;

  private static final String FALLBACK = "mpeg4";

  private final AtomicFile file;
  private final VideoFormat format;
  private final String codec;
  private final FFmpegFrameRecorder recorder;
  private final Frame picture;
  private int frames;

  private VideoWriter(AtomicFile file, VideoFormat format, String codec) {
    this.file = file;
    this.format = format;
    this.codec = codec;
    this.recorder =
        new FFmpegFrameRecorder(file.handOver().toFile(), format.width(), format.height(), 0);
    this.picture = new Frame(format.width(), format.height(), Frame.DEPTH_UBYTE, 3);
  }

  /**
   * Starts a video.
   *
   * @throws IllegalArgumentException if the name does not end in .mp4
   * @throws IOException if the file cannot be written
   */
  public static VideoWriter open(Path file, VideoFormat format) throws IOException {
    checkArgument(file.toString().endsWith(".mp4"), "%s: expected a name ending in .mp4", file);
    Ffmpeg.start();
    var writer = new VideoWriter(AtomicFile.create(file), format, bestCodec(format));
    try {
      writer.start();
      return writer;
    } catch (IOException e) {
      writer.close();
      throw e;
    }
  }

  /**
   * Writes a whole video, a frame at a time.
   *
   * @return the file
   * @throws IllegalArgumentException if the name does not end in .mp4
   * @throws IOException if the file cannot be written
   */
  public static Path write(Path file, Video video) throws IOException {
    write(file, video, frame -> {});
    return file;
  }

  /** The same, handing over each frame that is written. */
  public static void write(Path file, Video video, FrameConsumer<IOException> also)
      throws IOException {
    try (var writer = open(file, video.format())) {
      video.<IOException>decode(
          frame -> {
            writer.write(frame);
            also.accept(frame);
          });
      writer.finish();
    }
  }

  private static String bestCodec(VideoFormat format) {
    boolean largeEnough = Math.min(format.width(), format.height()) >= H264_LEAST_SIDE;
    for (var name : new String[] {"libx264", "libopenh264"}) {
      if (largeEnough && avcodec_find_encoder_by_name(name) != null) {
        return name;
      }
    }
    return FALLBACK;
  }

  private void start() throws IOException {
    recorder.setFormat("mp4");
    recorder.setVideoCodecName(codec);
    recorder.setFrameRate(format.fps());
    recorder.setPixelFormat(AV_PIX_FMT_YUV420P);
    recorder.setImageScalingFlags(FrameScaler.FLAGS);
    recorder.setVideoBitrate(bitrate());
    recorder.setGopSize((int) Math.ceil(format.fps()));
    // What the conversion from RGB writes; players guess from the size otherwise.
    recorder.setVideoOption("colorspace", "smpte170m");
    recorder.setVideoOption("color_range", "tv");
    recorder.setOption("movflags", "faststart");
    try {
      recorder.start();
    } catch (FrameRecorder.Exception e) {
      throw failure(e);
    }
  }

  /**
   * A bit a pixel: short clips that people judge a model by should not show the codec. Of more
   * openh264 makes frames that it cannot hold itself, where pictures are noise.
   */
  private int bitrate() {
    double bits = format.width() * (double) format.height() * format.fps();
    return (int) Math.max(1, Math.min(80_000_000, bits));
  }

  /**
   * Appends a frame.
   *
   * @throws IllegalArgumentException if its size is not the video's
   */
  public void write(VideoFrame frame) throws IOException {
    checkArgument(
        frame.width() == format.width() && frame.height() == format.height(),
        "frame %s: expected %s x %s, found %s x %s",
        frames,
        format.width(),
        format.height(),
        frame.width(),
        frame.height());
    var pixels = (ByteBuffer) picture.image[0];
    for (int row = 0, pixel = 0; row < format.height(); row++) {
      for (int column = 0; column < format.width(); column++, pixel++) {
        int at = row * picture.imageStride + 3 * column;
        for (int c = 0; c < 3; c++) {
          pixels.put(at + c, (byte) frame.toByte(c, pixel));
        }
      }
    }
    try {
      recorder.record(picture, AV_PIX_FMT_RGB24);
    } catch (FrameRecorder.Exception e) {
      throw failure(e);
    }
    frames++;
  }

  /** The encoder in use, such as libopenh264. */
  public String codec() {
    return codec;
  }

  /**
   * Completes the file and gives it its name.
   *
   * @throws IllegalStateException if no frame was written
   */
  public void finish() throws IOException {
    if (frames == 0) {
      throw new IllegalStateException(file.target() + ": expected at least one frame, found none");
    }
    try {
      recorder.stop();
    } catch (FrameRecorder.Exception e) {
      throw failure(e);
    }
    requireComplete();
    file.commit();
  }

  /** ffmpeg keeps silent about what a full disk refused at the end: count what can be read. */
  private void requireComplete() throws IOException {
    int readable = 0;
    try (var reader = VideoReader.open(file.handOver())) {
      while (reader.next().isPresent()) {
        readable++;
      }
    } catch (IOException damaged) {
      throw incomplete(readable, damaged);
    }
    if (readable != frames) {
      throw incomplete(readable, new IOException("frames are missing"));
    }
  }

  private IOException incomplete(int readable, IOException cause) {
    return new IOException(
        "%s: expected %d frames on disk, found %d that can be read; is the disk full?"
            .formatted(file.target(), frames, readable),
        cause);
  }

  private IOException failure(FrameRecorder.Exception cause) {
    return new IOException(
        "%s: cannot write frame %d with %s: %s"
            .formatted(file.target(), frames, codec, cause.getMessage()),
        cause);
  }

  @Override
  public void close() throws IOException {
    try {
      recorder.close();
    } catch (FrameRecorder.Exception e) {
      throw failure(e);
    } finally {
      picture.close();
      file.close();
    }
  }
}
