package io.github.tpdiff.weights.lora;

import java.util.List;
import java.util.stream.Stream;

/**
 * A change of the weight of one layer, linear or a convolution, by fewer numbers than it has.
 *
 * <p>A weight is [out, in] here; of a convolution, in counts all dimensions but the first.
 */
public sealed interface LayerChange permits LoraPair, DoraPair, KroneckerPair {
  int in();

  int out();

  /** All its numbers but the scale, always in the same order; not copied. */
  List<float[]> numbers();

  /** How many numbers it has. */
  default long values() {
    return numbers().stream().mapToLong(some -> some.length).sum();
  }

  /** The rank of what is factored into a product of low rank; 0 where nothing is. */
  int rank();

  /** The factor on the product. */
  double scale();

  /** {@code scale · rank}, the number that files carry. */
  double alpha();

  /** Whether fp32 holds every element of {@code strength · change}. */
  boolean isFinite(double strength);

  /**
   * The change made ready for its weight.
   *
   * @param weight the elements; read twice, in order, by changes that depend on them
   */
  PreparedChange on(Elements weight);

  /** The elements of a weight, row-major. */
  @FunctionalInterface
  interface Elements {
    /** Those from {@code first} on, copied. */
    float[] read(long first, int count);
  }

  /** The field's word for the kind: LoRA, DoRA, LoKr. */
  String kind();

  /** A shape as files hold it, of the first two sizes and a kernel. */
  static List<Long> shape(long first, long second, List<Long> kernel) {
    return Stream.concat(Stream.of(first, second), kernel.stream()).toList();
  }
}
