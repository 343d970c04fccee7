package io.github.tpdiff.cli.demo;

import io.github.tpdiff.runtime.media.VideoWriter;
import io.github.tpdiff.runtime.video.VideoClip;
import io.github.tpdiff.runtime.video.VideoFormat;
import io.github.tpdiff.runtime.video.VideoFrame;
import io.github.tpdiff.weights.AtomicFile;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.geom.Ellipse2D;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/**
 * Draws clips of a ball that moves over a plain background, with captions that say so: one large
 * shape and a steady motion, which a small denoiser learns in a few minutes.
 *
 * @param width pixels
 * @param height pixels
 * @param frames of every clip
 * @param fps frames per second
 */
record RenderedClips(int width, int height, int frames, double fps) {

  private enum Motion {
    RIGHT("rolls right"),
    UP("rises");

    final String words;

    Motion(String words) {
      this.words = words;
    }
  }

  private record Scene(String words, Color fill, Color background, Motion motion) {
    String caption() {
      return words + " " + motion.words;
    }

    Scene moving(Motion other) {
      return new Scene(words, fill, background, other);
    }
  }

  /** Of the ball, in shorter sides of the picture: four of a codec's 8×8 blocks. */
  private static final double DIAMETER = 0.5;

  private static final Color NIGHT = new Color(24, 28, 48);

  private static final List<Scene> COLOURS =
      List.of(
          new Scene("red ball", new Color(220, 40, 40), new Color(235, 228, 205), Motion.RIGHT),
          new Scene("yellow ball", new Color(250, 220, 40), NIGHT, Motion.RIGHT),
          new Scene("blue ball", new Color(40, 90, 220), new Color(200, 210, 215), Motion.RIGHT),
          new Scene("green ball", new Color(40, 160, 70), NIGHT, Motion.RIGHT));

  /** Eight scenes: four colours, two directions in turn. */
  private static List<Scene> scenes() {
    return COLOURS.stream()
        .flatMap(scene -> Stream.of(Motion.values()).map(scene::moving))
        .toList();
  }

  /** The captions, in the order of the files. */
  List<String> captions() {
    return scenes().stream().map(Scene::caption).toList();
  }

  /**
   * Writes every clip as {@code NN.mp4} beside {@code NN.txt}, its caption.
   *
   * @return the video files
   */
  List<Path> write(Path folder) throws IOException {
    Files.createDirectories(folder);
    var files = new ArrayList<Path>();
    for (Scene scene : scenes()) {
      String name = String.format(Locale.ROOT, "%02d", files.size());
      Path file = folder.resolve(name + ".mp4");
      try (VideoWriter writer = VideoWriter.open(file, new VideoFormat(width, height, fps))) {
        for (int i = 0; i < frames; i++) {
          writer.write(frame(scene, i));
        }
        writer.finish();
      }
      AtomicFile.write(
          folder.resolve(name + ".txt"), (scene.caption() + "\n").getBytes(StandardCharsets.UTF_8));
      files.add(file);
    }
    return files;
  }

  /** One clip in memory, as drawn. */
  VideoClip clip(int index) {
    Scene scene = scenes().get(index);
    var pictures = new ArrayList<VideoFrame>();
    for (int i = 0; i < frames; i++) {
      pictures.add(frame(scene, i));
    }
    return VideoClip.of(pictures, fps);
  }

  private VideoFrame frame(Scene scene, int index) {
    var image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
    Graphics2D pen = image.createGraphics();
    try {
      pen.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
      pen.setColor(scene.background());
      pen.fillRect(0, 0, width, height);
      pen.setColor(scene.fill());
      pen.fill(ball(scene.motion(), index / (double) (frames - 1)));
    } finally {
      pen.dispose();
    }
    return pixels(image, index / fps);
  }

  /** Where the ball is when {@code part} of the way is done. */
  private Ellipse2D ball(Motion motion, double part) {
    double diameter = DIAMETER * Math.min(width, height);
    double across = width - diameter;
    double down = height - diameter;
    return switch (motion) {
      case RIGHT -> new Ellipse2D.Double(across * part, down / 2, diameter, diameter);
      case UP -> new Ellipse2D.Double(across / 2, down * (1 - part), diameter, diameter);
    };
  }

  private VideoFrame pixels(BufferedImage image, double seconds) {
    int plane = width * height;
    var data = new float[3 * plane];
    for (int y = 0, at = 0; y < height; y++) {
      for (int x = 0; x < width; x++, at++) {
        int rgb = image.getRGB(x, y);
        for (int c = 0; c < 3; c++) {
          data[c * plane + at] = (rgb >> (16 - 8 * c) & 255) / 127.5f - 1;
        }
      }
    }
    return new VideoFrame(data, height, width, seconds);
  }
}
