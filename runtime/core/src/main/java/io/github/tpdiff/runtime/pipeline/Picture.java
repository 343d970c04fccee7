package io.github.tpdiff.runtime.pipeline;

import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.weights.CheckpointException;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.Optional;
import javax.imageio.ImageIO;

/** A picture that a video is conditioned on. */
final class Picture {
  private static final int LEVELS = 255;

  private final BufferedImage image;

  private Picture(BufferedImage image) {
    this.image = image;
  }

  /**
   * Reads a picture file that the JDK knows, such as png or jpg.
   *
   * @throws CheckpointException if it cannot be read
   */
  static Picture read(Path file) {
    try {
      return new Picture(
          Optional.ofNullable(ImageIO.read(file.toFile()))
              .orElseThrow(
                  () ->
                      new CheckpointException(
                          "%s: expected a picture such as png or jpg, found none"
                              .formatted(file))));
    } catch (IOException failure) {
      throw new CheckpointException(
          "%s: cannot be read as a picture: %s".formatted(file, failure.getMessage()), failure);
    }
  }

  /** F32 [1, 3, 1, H, W] in [−1, 1]: scaled until it fills the size, and cut around its middle. */
  Tensor filling(VideoSize size) {
    var scaled = new BufferedImage(size.width(), size.height(), BufferedImage.TYPE_INT_RGB);
    var graphics = scaled.createGraphics();
    graphics.setRenderingHint(
        RenderingHints.KEY_INTERPOLATION, RenderingHints.VALUE_INTERPOLATION_BICUBIC);
    double scale =
        Math.max(
            (double) size.width() / image.getWidth(), (double) size.height() / image.getHeight());
    int width = (int) Math.round(scale * image.getWidth());
    int height = (int) Math.round(scale * image.getHeight());
    graphics.drawImage(
        image, (size.width() - width) / 2, (size.height() - height) / 2, width, height, null);
    graphics.dispose();
    Tensor tensor = Tensor.zeros(1, 3, 1, size.height(), size.width());
    FloatBuffer values = tensor.floats();
    for (int shift = 16; shift >= 0; shift -= 8) {
      for (int y = 0; y < size.height(); y++) {
        for (int x = 0; x < size.width(); x++) {
          values.put(2f * (scaled.getRGB(x, y) >> shift & LEVELS) / LEVELS - 1);
        }
      }
    }
    return tensor;
  }
}
