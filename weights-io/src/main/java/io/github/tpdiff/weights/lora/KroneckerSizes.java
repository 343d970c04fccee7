package io.github.tpdiff.weights.lora;

/**
 * How a LoKr splits a size into two, as LyCORIS and PEFT do ({@code factorization} of lycoris 3 and
 * peft 0.21).
 */
public final class KroneckerSizes {
  /** Instead of a factor: as near to the square root as there is. */
  public static final int NEAR_THE_ROOT = -1;

  private KroneckerSizes() {}

  /**
   * The first size, which divides the whole: the factor where it does; otherwise the largest
   * divisor up to the factor and the square root.
   *
   * @param size of the whole; at least 1
   * @param factor at least 1, or {@link #NEAR_THE_ROOT}
   */
  public static int first(int size, int factor) {
    if (factor > 0 && size % factor == 0) {
      return factor;
    }
    int largest = factor == NEAR_THE_ROOT ? size : factor;
    int first = 1;
    for (int divisor = 2; divisor <= largest && (long) divisor * divisor <= size; divisor++) {
      if (size % divisor == 0) {
        first = divisor;
      }
    }
    return first;
  }
}
