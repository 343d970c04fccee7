package io.github.tpdiff.weights.lora;

import io.github.tpdiff.weights.CheckpointException;
import java.util.Arrays;

/**
 * A low-rank change of one linear layer: {@code W + scale · B · A}.
 *
 * <p>A is [rank, in], B is [out, rank], row-major; of a convolution's kernel, in counts all
 * dimensions but the first. The arrays are not copied.
 */
public final class LoraPair {

  private final int rank;
  private final double scale;
  private final float[] a;
  private final float[] b;

  /**
   * @param scale the factor on B · A: alpha / rank in most tools
   * @throws CheckpointException when the arrays are no multiples of the rank
   */
  public LoraPair(int rank, double scale, float[] a, float[] b) {
    if (rank < 1 || a.length % rank != 0 || b.length % rank != 0) {
      throw new CheckpointException(
          "expected A and B of rank %d, found %d and %d values"
              .formatted(rank, a.length, b.length));
    }
    this.rank = rank;
    this.scale = scale;
    this.a = a;
    this.b = b;
  }

  public int rank() {
    return rank;
  }

  public double scale() {
    return scale;
  }

  /** {@code scale · rank}, the number that files carry. */
  public double alpha() {
    return scale * rank;
  }

  public int in() {
    return a.length / rank;
  }

  public int out() {
    return b.length / rank;
  }

  /** [rank, in], not copied. */
  public float[] a() {
    return a;
  }

  /** [out, rank], not copied. */
  public float[] b() {
    return b;
  }

  /**
   * Adds {@code strength · scale · B · A} to a weight [out, in] in place.
   *
   * @throws CheckpointException when the weight has another size
   */
  public void addTo(float[] weight, double strength) {
    if (weight.length != (long) out() * in()) {
      throw new CheckpointException(
          "expected a weight of [%d, %d], found %d values".formatted(out(), in(), weight.length));
    }
    addTo(weight, 0, strength);
  }

  /** Adds the change of the elements from {@code first} on, in row-major order. */
  void addTo(float[] elements, long first, double strength) {
    int width = in();
    float[] change = new float[width];
    for (int done = 0; done < elements.length; ) {
      int row = (int) ((first + done) / width);
      int column = (int) ((first + done) % width);
      int count = Math.min(width - column, elements.length - done);
      Arrays.fill(change, 0, count, 0);
      for (int k = 0; k < rank; k++) {
        float factor = b[row * rank + k];
        int start = k * width + column;
        for (int i = 0; i < count; i++) {
          change[i] += factor * a[start + i];
        }
      }
      float factor = (float) (strength * scale);
      for (int i = 0; i < count; i++) {
        elements[done + i] += factor * change[i];
      }
      done += count;
    }
  }
}
