package io.github.tpdiff.weights;

import java.util.List;

/**
 * Name, element type and shape of one tensor, row-major.
 *
 * @param shape every dimension at least 0; empty for a scalar
 */
public record TensorInfo(String name, DType dtype, List<Long> shape) {

  /**
   * @throws CheckpointException when a dimension is negative, the size in bits exceeds 2^63 - 1, or
   *     elements smaller than a byte do not fill whole bytes
   */
  public TensorInfo {
    shape = List.copyOf(shape);
    for (long dimension : shape) {
      if (dimension < 0) {
        throw new CheckpointException(
            "tensor '%s': expected dimensions of at least 0, found %s".formatted(name, shape));
      }
    }
    byteCount(name, dtype, shape);
  }

  /** Number of elements: the product of the shape, 1 for a scalar. */
  public long elementCount() {
    long count = 1;
    for (long dimension : shape) {
      count *= dimension;
    }
    return count;
  }

  /** Size of the payload in bytes. */
  public long byteCount() {
    return byteCount(name, dtype, shape);
  }

  /** The same tensor under another name. */
  public TensorInfo withName(String newName) {
    return new TensorInfo(newName, dtype, shape);
  }

  private static long byteCount(String name, DType dtype, List<Long> shape) {
    try {
      long count = 1;
      for (long dimension : shape) {
        count = times(count, dimension);
      }
      long bits = Math.multiplyExact(count, dtype.bits());
      if (bits < 0) {
        throw new ArithmeticException();
      }
      if (bits % Byte.SIZE != 0) {
        throw new CheckpointException(
            "tensor '%s': expected whole bytes, found shape %s of %s with %d bits"
                .formatted(name, brief(shape), dtype, bits));
      }
      return bits / Byte.SIZE;
    } catch (ArithmeticException overflow) {
      throw new CheckpointException(
          "tensor '%s': shape %s of %s exceeds 2^63 bits".formatted(name, brief(shape), dtype),
          overflow);
    }
  }

  /** The reference implementation's arithmetic: 64 bits without a sign, from the left. */
  private static long times(long count, long dimension) {
    if (dimension != 0 && Long.compareUnsigned(count, Long.divideUnsigned(-1L, dimension)) > 0) {
      throw new ArithmeticException();
    }
    return count * dimension;
  }

  private static Object brief(List<Long> shape) {
    return shape.size() <= 16 ? shape : "of " + shape.size() + " dimensions";
  }
}
