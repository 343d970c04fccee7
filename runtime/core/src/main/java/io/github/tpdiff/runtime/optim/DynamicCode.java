package io.github.tpdiff.runtime.optim;

import java.util.Arrays;

/**
 * The 256 values of the dynamic eight-bit type, ascending: a share of the largest magnitude of a
 * block, the finer the smaller (Dettmers 2016, arXiv 1511.04561; bitsandbytes' {@code
 * create_dynamic_map}).
 */
public final class DynamicCode {
  /** Values that share a scale. */
  public static final int BLOCK = 256;

  private static final int EXPONENTS = 7;
  private static final int VALUES = 256;

  private DynamicCode() {}

  /** From just above -1 to 1. */
  public static float[] signed() {
    return values(true);
  }

  /** From 0 to 1. */
  public static float[] unsigned() {
    return values(false);
  }

  private static float[] values(boolean signed) {
    var values = new float[VALUES];
    int count = 0;
    for (int i = 0; i < EXPONENTS; i++) {
      double factor = Math.pow(10, i - (EXPONENTS - 1));
      int fractions = signed ? 1 << i : 1 << (i + 1);
      for (int k = 0; k < fractions; k++) {
        float value = (float) (factor * (0.1 + 0.9 * (k + 0.5) / fractions));
        values[count++] = value;
        if (signed) {
          values[count++] = -value;
        }
      }
    }
    values[count++] = 0;
    values[count] = 1;
    Arrays.sort(values);
    return values;
  }

  /**
   * The code of the nearest value, of the lower of two as near.
   *
   * @param values of the type
   * @param share of a block's largest magnitude
   */
  public static int nearest(float[] values, float share) {
    int found = Arrays.binarySearch(values, share);
    int upper = Math.min(found >= 0 ? found : -found - 1, VALUES - 1);
    int lower = Math.max(upper - 1, 0);
    return share - values[lower] <= values[upper] - share ? lower : upper;
  }
}
