package io.github.tpdiff.runtime.diffusion;

import static com.google.common.base.Preconditions.checkArgument;

import java.util.Arrays;
import java.util.List;

/**
 * A whole number along each axis of latents: the rates of a stage over the one before it, or its
 * strides in the full grid.
 *
 * @param time of frames
 * @param height of rows
 * @param width of columns
 */
public record GridFactor(int time, int height, int width) {
  /** Every axis as it is. */
  public static final GridFactor ONE = new GridFactor(1, 1, 1);

  /**
   * @throws IllegalArgumentException if a number is not positive
   */
  public GridFactor {
    checkArgument(
        time >= 1 && height >= 1 && width >= 1,
        "stages.rates: at least 1 along each axis, found [%s, %s, %s]",
        time,
        height,
        width);
  }

  /** Along time alone. */
  public static GridFactor ofTime(int factor) {
    return new GridFactor(factor, 1, 1);
  }

  /** The same along every axis. */
  public static GridFactor cube(int factor) {
    return new GridFactor(factor, factor, factor);
  }

  /** Rates along time alone, in sampling order. */
  public static List<GridFactor> ofTimes(int... factors) {
    return Arrays.stream(factors).mapToObj(GridFactor::ofTime).toList();
  }

  /** The number along an axis. */
  public int along(GridAxis axis) {
    return switch (axis) {
      case TIME -> time;
      case HEIGHT -> height;
      case WIDTH -> width;
    };
  }

  /** Whether rows and columns stay as they are. */
  public boolean isOfTimeAlone() {
    return height == 1 && width == 1;
  }

  /** Whether any of some rates changes rows or columns. */
  public static boolean areOverSpace(List<GridFactor> rates) {
    return rates.stream().anyMatch(rate -> !rate.isOfTimeAlone());
  }

  /**
   * The product, axis by axis.
   *
   * @throws ArithmeticException if it does not fit an int
   */
  public GridFactor times(GridFactor other) {
    return new GridFactor(
        Math.multiplyExact(time, other.time),
        Math.multiplyExact(height, other.height),
        Math.multiplyExact(width, other.width));
  }

  /** The quotient, axis by axis, of strides that are multiples of {@code other}. */
  public GridFactor over(GridFactor other) {
    return new GridFactor(time / other.time, height / other.height, width / other.width);
  }

  /** {@code 2} along time alone, else {@code 2x2x2}, as options and fields of requests have it. */
  public String crossed() {
    return isOfTimeAlone() ? "" + time : time + "x" + height + "x" + width;
  }

  /** {@code 2} along time alone, else {@code [2, 2, 2]}, as job files have it. */
  @Override
  public String toString() {
    return isOfTimeAlone() ? "" + time : "[" + time + ", " + height + ", " + width + "]";
  }
}
