package io.github.tpdiff.weights.lora;

import io.github.tpdiff.weights.CheckpointException;
import java.util.List;

/**
 * A change of a tensor that is given in full: {@code W + strength · values}. No alpha scales it.
 *
 * @param shape of the tensor, up to dimensions of 1
 * @param values row-major, not copied
 */
@SuppressWarnings("ArrayRecordComponent") // large, never compared
public record FullChange(List<Long> shape, float[] values) implements PreparedChange {

  /**
   * @throws CheckpointException when the shape does not have as many elements as there are values
   */
  public FullChange {
    shape = List.copyOf(shape);
    long count = shape.stream().reduce(1L, Math::multiplyExact);
    if (count != values.length) {
      throw new CheckpointException(
          "expected %d values of shape %s, found %d".formatted(count, shape, values.length));
    }
  }

  /** The shape without dimensions of 1, which layouts have or lack. */
  static List<Long> squeezed(List<Long> shape) {
    return shape.stream().filter(size -> size != 1).toList();
  }

  /** The same with a factor. */
  FullChange times(double factor) {
    if (factor == 1) {
      return this;
    }
    float[] scaled = values.clone();
    for (int i = 0; i < scaled.length; i++) {
      scaled[i] *= (float) factor;
    }
    return new FullChange(shape, scaled);
  }

  /** The sum of two changes of one tensor. */
  FullChange plus(FullChange other) {
    if (!squeezed(shape).equals(squeezed(other.shape))) {
      throw new CheckpointException(
          "expected two changes of one tensor to have one shape, found %s and %s"
              .formatted(shape, other.shape));
    }
    float[] sum = values.clone();
    for (int i = 0; i < sum.length; i++) {
      sum[i] += other.values[i];
    }
    return new FullChange(shape, sum);
  }

  @Override
  public void addTo(float[] elements, long first, double strength) {
    float factor = (float) strength;
    int start = Math.toIntExact(first);
    for (int i = 0; i < elements.length; i++) {
      elements[i] += factor * values[start + i];
    }
  }

  boolean isFinite(double strength) {
    float factor = (float) strength;
    for (float value : values) {
      if (!Float.isFinite(factor * value)) {
        return false;
      }
    }
    return true;
  }

  @Override
  public double norm() {
    double squares = 0;
    for (float value : values) {
      squares += (double) value * value;
    }
    return Math.sqrt(squares);
  }
}
