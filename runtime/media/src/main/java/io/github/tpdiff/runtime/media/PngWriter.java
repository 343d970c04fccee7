package io.github.tpdiff.runtime.media;

import io.github.tpdiff.runtime.video.VideoFrame;
import io.github.tpdiff.weights.AtomicFile;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import javax.imageio.ImageIO;

/** Writes single frames as PNG; needs no display. */
public final class PngWriter {
  private PngWriter() {}

  /** Writes one frame, replacing the file. */
  public static void write(Path file, VideoFrame frame) throws IOException {
    AtomicFile.write(file, png(frame));
  }

  /** The bytes of a file with one frame. */
  public static byte[] png(VideoFrame frame) throws IOException {
    var image = new BufferedImage(frame.width(), frame.height(), BufferedImage.TYPE_INT_RGB);
    paint(image, frame, 0, 0);
    return encoded(image);
  }

  static void paint(BufferedImage image, VideoFrame frame, int left, int top) {
    for (int row = 0, pixel = 0; row < frame.height(); row++) {
      for (int column = 0; column < frame.width(); column++, pixel++) {
        int rgb =
            frame.toByte(0, pixel) << 16 | frame.toByte(1, pixel) << 8 | frame.toByte(2, pixel);
        image.setRGB(left + column, top + row, rgb);
      }
    }
  }

  static void write(Path file, BufferedImage image) throws IOException {
    AtomicFile.write(file, encoded(image));
  }

  static byte[] encoded(BufferedImage image) throws IOException {
    var bytes = new ByteArrayOutputStream();
    if (!ImageIO.write(image, "png", bytes)) {
      throw new IOException("this Java runtime has no PNG encoder");
    }
    return bytes.toByteArray();
  }
}
