package io.github.tpdiff.runtime.diffusion;

/**
 * Which positions a network is told along each axis.
 *
 * @param time of frames
 * @param height of rows
 * @param width of columns
 */
public record PositionRules(PositionRule time, PositionRule height, PositionRule width) {
  /** How a place of a stage's grid becomes a position. */
  public enum PositionRule {
    /** Place i is told to be at i times the stride, where it lies in the full grid. */
    SCALED,
    /** Place i is told to be at i, as in a smaller video. */
    NATIVE
  }

  /** Every place where it lies in the full grid. */
  public static PositionRules scaled() {
    return all(PositionRule.SCALED);
  }

  /** One rule for all axes. */
  public static PositionRules all(PositionRule rule) {
    return new PositionRules(rule, rule, rule);
  }

  /** The rule of an axis. */
  public PositionRule along(GridAxis axis) {
    return switch (axis) {
      case TIME -> time;
      case HEIGHT -> height;
      case WIDTH -> width;
    };
  }

  /** Whether one rule holds along all axes. */
  public boolean isUniform() {
    return time == height && height == width;
  }

  /** {@code scaled}, or {@code [scaled, native, native]} where axes differ. */
  @Override
  public String toString() {
    return isUniform()
        ? Words.of(time)
        : "[" + Words.of(time) + ", " + Words.of(height) + ", " + Words.of(width) + "]";
  }
}
