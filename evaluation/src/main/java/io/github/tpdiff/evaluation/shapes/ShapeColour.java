package io.github.tpdiff.evaluation.shapes;

import java.util.Arrays;
import java.util.Comparator;

/** What colour a shape has: strong ones, whose hues are 60 degrees apart. */
public enum ShapeColour {
  RED(225, 25, 25),
  YELLOW(225, 225, 25),
  GREEN(25, 200, 25),
  CYAN(25, 210, 210),
  BLUE(25, 25, 225),
  MAGENTA(225, 25, 225);

  private static final double CIRCLE = 360;

  private final double red;
  private final double green;
  private final double blue;

  ShapeColour(int red, int green, int blue) {
    this.red = red / 255.0;
    this.green = green / 255.0;
    this.blue = blue / 255.0;
  }

  /**
   * Of red, green and blue one.
   *
   * @param channel 0 to 2
   * @return in [0, 1]
   */
  double channel(int channel) {
    return channel == 0 ? red : channel == 1 ? green : blue;
  }

  /** The colour of the nearest hue. */
  static ShapeColour nearest(double red, double green, double blue) {
    double hue = hue(red, green, blue);
    return Arrays.stream(values())
        .min(Comparator.comparingDouble(own -> own.hueFrom(hue)))
        .orElseThrow();
  }

  private double hueFrom(double hue) {
    double apart = Math.abs(hue(red, green, blue) - hue) % CIRCLE;
    return Math.min(apart, CIRCLE - apart);
  }

  /** In degrees from red over green; 0 for greys. */
  private static double hue(double red, double green, double blue) {
    // The angle in the plane across the grey axis.
    double degrees =
        Math.toDegrees(Math.atan2(Math.sqrt(3) * (green - blue), 2 * red - green - blue));
    return (degrees + CIRCLE) % CIRCLE;
  }
}
