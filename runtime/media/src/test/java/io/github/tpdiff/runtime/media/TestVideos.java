package io.github.tpdiff.runtime.media;

import io.github.tpdiff.runtime.video.VideoClip;
import io.github.tpdiff.runtime.video.VideoFrame;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.IntToDoubleFunction;
import org.bytedeco.ffmpeg.global.avcodec;
import org.bytedeco.ffmpeg.global.avutil;
import org.bytedeco.javacv.FFmpegFrameRecorder;
import org.bytedeco.javacv.Frame;

/** Small videos whose every frame can be told from its brightness, and pictures with motion. */
final class TestVideos {
  /** Brightness step from frame to frame; far above what a codec changes. */
  private static final float STEP = 0.0625f;

  private TestVideos() {}

  /** Smooth colours that move. */
  static VideoClip moving(int frames, int height, int width, double fps) {
    var list = new ArrayList<VideoFrame>();
    for (int f = 0; f < frames; f++) {
      var data = new float[3 * height * width];
      for (int c = 0, i = 0; c < 3; c++) {
        for (int y = 0; y < height; y++) {
          for (int x = 0; x < width; x++, i++) {
            data[i] = (float) (0.8 * Math.sin(0.1 * x + 0.07 * y * (c + 1) + 0.3 * f + c));
          }
        }
      }
      list.add(new VideoFrame(data, height, width, f / fps));
    }
    return VideoClip.of(list, fps);
  }

  /** Frame number f is plain grey of a brightness that {@link #number} reads back; f up to 30. */
  static VideoClip numbered(int frames, int height, int width, double fps) {
    var list = new ArrayList<VideoFrame>();
    for (int f = 0; f < frames; f++) {
      list.add(plain(height, width, grey(f), grey(f), grey(f)));
    }
    return VideoClip.of(list, fps);
  }

  static VideoFrame plain(int height, int width, float red, float green, float blue) {
    int plane = height * width;
    var data = new float[3 * plane];
    java.util.Arrays.fill(data, 0, plane, red);
    java.util.Arrays.fill(data, plane, 2 * plane, green);
    java.util.Arrays.fill(data, 2 * plane, 3 * plane, blue);
    return new VideoFrame(data, height, width, 0);
  }

  private static float grey(int number) {
    return number * STEP - 0.95f;
  }

  static int number(VideoFrame frame) {
    double sum = 0;
    for (float value : frame.data()) {
      sum += value;
    }
    return (int) Math.round((sum / frame.data().length + 0.95) / STEP);
  }

  static List<Integer> numbers(VideoClip clip) {
    var numbers = new ArrayList<Integer>();
    for (int f = 0; f < clip.frames(); f++) {
      numbers.add(number(clip.frame(f)));
    }
    return numbers;
  }

  /** Writes numbered frames, each with a time of its own, by JavaCV alone. */
  static void writeTimed(Path file, int frames, IntToDoubleFunction seconds) throws IOException {
    try (var recorder = recorder(file, 1000);
        var picture = new Frame(64, 48, Frame.DEPTH_UBYTE, 3)) {
      recorder.start();
      for (int f = 0; f < frames; f++) {
        int grey = Math.round((grey(f) + 1) * 127.5f);
        var pixels = (ByteBuffer) picture.image[0];
        for (int i = 0; i < pixels.capacity(); i++) {
          pixels.put(i, (byte) grey);
        }
        recorder.setTimestamp(Math.round(seconds.applyAsDouble(f) * 1e6));
        recorder.record(picture, avutil.AV_PIX_FMT_RGB24);
      }
    }
  }

  /** Writes two frames of 64 x 48 whose quarters, row by row, are ever darker: 0, 1, 2 and 3. */
  static void writeQuarters(Path file, Consumer<FFmpegFrameRecorder> setup) throws IOException {
    try (var recorder = recorder(file, 8);
        var picture = new Frame(64, 48, Frame.DEPTH_UBYTE, 3)) {
      setup.accept(recorder);
      recorder.start();
      var pixels = (ByteBuffer) picture.image[0];
      for (int y = 0; y < 48; y++) {
        for (int x = 0; x < 3 * 64; x++) {
          int quarter = (y < 24 ? 0 : 2) + (x < 3 * 32 ? 0 : 1);
          pixels.put(y * picture.imageStride + x, (byte) (255 - 85 * quarter));
        }
      }
      recorder.record(picture, avutil.AV_PIX_FMT_RGB24);
      recorder.record(picture, avutil.AV_PIX_FMT_RGB24);
    }
  }

  /** The quarters of a picture that {@link #writeQuarters} wrote, row by row, such as "0123". */
  static String quarters(VideoFrame frame) {
    var found = new StringBuilder();
    for (int row : new int[] {1, 3}) {
      for (int column : new int[] {1, 3}) {
        int pixel = frame.height() * row / 4 * frame.width() + frame.width() * column / 4;
        found.append(Math.round((255 - frame.toByte(1, pixel)) / 85.0));
      }
    }
    return found.toString();
  }

  /** Copies a file that is stored beside the tests. */
  static Path copyResource(String name, Path folder) throws IOException {
    try (var stored = Objects.requireNonNull(TestVideos.class.getResourceAsStream(name), name)) {
      var file = folder.resolve(name);
      Files.copy(stored, file);
      return file;
    }
  }

  /** Gives the only track of an mp4 another display matrix, of nine numbers. */
  static void setMatrix(Path mp4, double[] matrix) throws IOException {
    var bytes = ByteBuffer.wrap(Files.readAllBytes(mp4));
    int header = new String(bytes.array(), StandardCharsets.ISO_8859_1).indexOf("tkhd");
    int at = header + 4 + (bytes.get(header + 4) == 0 ? 40 : 52);
    for (int i = 0; i < 9; i++) {
      // The last column has two bits before the point, the others sixteen.
      bytes.putInt(at + 4 * i, (int) Math.round(matrix[i] * (i % 3 == 2 ? 1 << 30 : 1 << 16)));
    }
    Files.write(mp4, bytes.array());
  }

  private static FFmpegFrameRecorder recorder(Path file, double fps) {
    var recorder = new FFmpegFrameRecorder(file.toFile(), 64, 48, 0);
    recorder.setVideoCodec(avcodec.AV_CODEC_ID_MPEG4);
    recorder.setPixelFormat(avutil.AV_PIX_FMT_YUV420P);
    recorder.setFrameRate(fps);
    recorder.setVideoBitrate(4_000_000);
    return recorder;
  }

  /** Peak signal-to-noise ratio in dB, of values whose range is 2. */
  static double psnr(float[] a, float[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      double difference = a[i] - b[i];
      sum += difference * difference;
    }
    return 10 * Math.log10(4 / (sum / a.length));
  }
}
