package io.github.tpdiff.cli.demo;

import io.github.tpdiff.runtime.media.VideoClip;
import io.github.tpdiff.runtime.media.VideoFormat;
import io.github.tpdiff.runtime.media.VideoFrame;
import io.github.tpdiff.runtime.media.VideoWriter;
import io.github.tpdiff.weights.AtomicFile;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.geom.Ellipse2D;
import java.awt.geom.Rectangle2D;
import java.awt.geom.RectangularShape;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Draws clips of one shape that crosses the picture, with captions that say so.
 *
 * @param width pixels
 * @param height pixels
 * @param frames of every clip
 * @param fps frames per second
 */
record RenderedClips(int width, int height, int frames, double fps) {

  private enum Motion {
    RIGHT("from left to right", 1, 0),
    LEFT("from right to left", -1, 0),
    DOWN("from top to bottom", 0, 1),
    UP("from bottom to top", 0, -1);

    final String words;
    final int dx;
    final int dy;

    Motion(String words, int dx, int dy) {
      this.words = words;
      this.dx = dx;
      this.dy = dy;
    }
  }

  private enum Shape {
    BALL,
    SQUARE
  }

  private record Scene(Shape shape, String words, Color fill, Color background, Motion motion) {
    String caption() {
      return words + " " + motion.words;
    }
  }

  private static final Color NIGHT = new Color(24, 28, 48);
  private static final Color SAND = new Color(214, 196, 160);
  private static final Color FOG = new Color(200, 210, 215);
  private static final Color RED = new Color(220, 40, 40);
  private static final Color YELLOW = new Color(250, 220, 40);
  private static final Color BLUE = new Color(40, 90, 220);

  /** A dozen scenes: three shapes, four directions. */
  private static List<Scene> scenes() {
    var scenes = new ArrayList<Scene>();
    for (Motion motion : Motion.values()) {
      scenes.add(new Scene(Shape.BALL, "a red ball moves", RED, SAND, motion));
      scenes.add(new Scene(Shape.SQUARE, "a yellow square moves", YELLOW, NIGHT, motion));
      scenes.add(new Scene(Shape.BALL, "a blue ball moves", BLUE, FOG, motion));
    }
    return scenes;
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
      String name = "%02d".formatted(files.size());
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
      pen.fill(outline(scene, index / (double) (frames - 1)));
    } finally {
      pen.dispose();
    }
    return pixels(image, index / fps);
  }

  /** The shape when {@code part} of the way is done. */
  private RectangularShape outline(Scene scene, double part) {
    double side = Math.min(width, height) * 0.6;
    double x = (width - side) * (0.5 + scene.motion().dx * (part - 0.5));
    double y = (height - side) * (0.5 + scene.motion().dy * (part - 0.5));
    return scene.shape() == Shape.BALL
        ? new Ellipse2D.Double(x, y, side, side)
        : new Rectangle2D.Double(x, y, side, side);
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
