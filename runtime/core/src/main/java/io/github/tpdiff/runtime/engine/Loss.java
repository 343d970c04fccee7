package io.github.tpdiff.runtime.engine;

import static com.google.common.base.Preconditions.checkArgument;

import java.util.OptionalDouble;

/**
 * What training makes small: the mean over all elements of a function of e = prediction − target.
 *
 * @param pseudoHuber c of 2c (√(e² + c²) − c), which is about e² where e is small and 2c |e| where
 *     it is large (Song and Dhariwal 2023, "Improved Techniques for Training Consistency Models",
 *     eq. 8); e² itself where there is none
 */
public record Loss(OptionalDouble pseudoHuber) {
  /**
   * @throws IllegalArgumentException if c is not positive
   */
  public Loss {
    pseudoHuber.ifPresent(
        c ->
            checkArgument(
                c > 0 && Double.isFinite(c), "train.pseudo_huber: must be positive, found %s", c));
  }

  /** e². */
  public static Loss squared() {
    return new Loss(OptionalDouble.empty());
  }

  /** 2c (√(e² + c²) − c). */
  public static Loss pseudoHuber(double c) {
    return new Loss(OptionalDouble.of(c));
  }
}
