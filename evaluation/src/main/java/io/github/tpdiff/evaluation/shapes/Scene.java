package io.github.tpdiff.evaluation.shapes;

import io.github.tpdiff.runtime.video.VideoClip;
import io.github.tpdiff.runtime.video.VideoFrame;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * The whole truth of a clip: one shape that moves evenly along one axis over a ground that does
 * not, and turns back once if it is to bounce. Lengths are in shorter sides of the picture, x from
 * its left and y from its top.
 *
 * @param words what the caption says of it
 * @param radius of the circle of the shape's area
 * @param x of the shape's centroid in the first frame
 * @param y likewise
 * @param way its length, from the first frame to the last
 * @param turn share of the way after which the shape turns back; 1 if it does not
 * @param grain number of the ground's pattern
 */
public record Scene(
    SceneWords words, double radius, double x, double y, double way, double turn, long grain) {
  /** A shape bounces within this share of its way from the middle. */
  private static final double TURNS_WITHIN = 0.15;

  /**
   * Draws a scene.
   *
   * @param vocabulary of which
   * @param width of the picture, in shorter sides
   * @param height likewise
   */
  static Scene draw(
      SplittableRandom random, SceneVocabulary vocabulary, double width, double height) {
    var words =
        new SceneWords(
            one(vocabulary.size(), random),
            one(vocabulary.colour(), random),
            one(vocabulary.texture(), random),
            one(vocabulary.kind(), random),
            one(vocabulary.pace(), random),
            one(vocabulary.heading(), random),
            one(random.nextBoolean(), vocabulary.bounces()),
            one(vocabulary.ground(), random),
            one(vocabulary.groundTexture(), random));
    double radius = Extent.radius(words.size()).draw(random);
    double way = Extent.way(words.pace()).draw(random);
    double turn = words.bounces() ? 0.5 + TURNS_WITHIN * (2 * random.nextDouble() - 1) : 1;
    double left = words.kind().across() * radius;
    double top = words.kind().up() * radius;
    double right = width - left;
    double bottom = height - words.kind().down() * radius;
    double out = way * turn; // how far it gets; a shape that bounces touches the edge there
    Heading heading = words.heading();
    return new Scene(
        words,
        radius,
        start(new Extent(left, right), heading.across(), words.bounces() ? -out : out, random),
        start(new Extent(top, bottom), heading.down(), words.bounces() ? -out : out, random),
        way,
        turn,
        random.nextLong());
  }

  /**
   * Where a shape begins along an axis.
   *
   * @param room of its centroid
   * @param direction 0 for an axis along which it does not move
   * @param out how far it gets; negative if the edge has to be there
   */
  private static double start(Extent room, int direction, double out, SplittableRandom random) {
    if (direction == 0) {
      return room.draw(random);
    }
    double share = out < 0 ? 1 : random.nextDouble();
    double far = Math.abs(out);
    double along = share * (room.most() - room.least() - far);
    return direction > 0 ? room.least() + along : room.most() - along;
  }

  private static <E> E one(List<E> words, SplittableRandom random) {
    return words.get(random.nextInt(words.size()));
  }

  /** What was drawn where the words have it, else the one that they have. */
  private static boolean one(boolean drawn, List<Boolean> words) {
    return words.contains(drawn) ? drawn : words.get(0);
  }

  /** How far the shape is from its start when a share of the clip's time has gone. */
  private double gone(double share) {
    return way * (share <= turn ? share : 2 * turn - share);
  }

  /** Where the shape's centroid is then. */
  double xAt(double share) {
    return x + words.heading().across() * gone(share);
  }

  /** Likewise. */
  double yAt(double share) {
    return y + words.heading().down() * gone(share);
  }

  /**
   * The clip, as drawn.
   *
   * @param frames at least 2
   */
  VideoClip clip(int width, int height, int frames, double fps) {
    var drawn = new ArrayList<VideoFrame>();
    for (int i = 0; i < frames; i++) {
      drawn.add(new VideoFrame(draw(width, height, i / (frames - 1.0)), height, width, i / fps));
    }
    return VideoClip.of(drawn, fps);
  }

  /** One frame, [3, H, W] in [-1, 1]; the outline is as soft as a pixel. */
  private float[] draw(int width, int height, double share) {
    int side = Math.min(width, height);
    double centreX = xAt(share);
    double centreY = yAt(share);
    double pixels = radius * side;
    int plane = width * height;
    var data = new float[3 * plane];
    for (int row = 0, at = 0; row < height; row++) {
      double py = (row + 0.5) / side;
      for (int column = 0; column < width; column++, at++) {
        double px = (column + 0.5) / side;
        double own = words.ground().level() + words.groundTexture().brightness(px, py, grain);
        double dx = (px - centreX) / radius;
        double dy = (py - centreY) / radius;
        double covered = clamped(0.5 - pixels * words.kind().distance(dx, dy));
        double bright = covered > 0 ? words.texture().brightness(dx, dy) : 0;
        for (int c = 0; c < 3; c++) {
          double value = own + covered * (bright * words.colour().channel(c) - own);
          data[c * plane + at] = (float) (2 * value - 1);
        }
      }
    }
    return data;
  }

  private static double clamped(double value) {
    return Math.max(0, Math.min(1, value));
  }
}
