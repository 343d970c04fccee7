package io.github.tpdiff.weights.lora;

import io.github.tpdiff.weights.CheckpointException;
import java.util.Arrays;
import java.util.List;

/**
 * A low-rank change of one linear layer: {@code W + scale · B · A}.
 *
 * <p>A is [rank, in], B is [out, rank], row-major; of a convolution's kernel, in counts all
 * dimensions but the first. The arrays are not copied.
 */
public final class LoraPair implements LayerChange, PreparedChange {

  private final int rank;
  private final double scale;
  private final double alpha;
  private final float[] a;
  private final float[] b;
  private final List<Long> kernel;

  /**
   * @param scale the factor on B · A: alpha / rank in most tools
   * @throws CheckpointException when the arrays are no multiples of the rank
   */
  public LoraPair(int rank, double scale, float[] a, float[] b) {
    this(new Strength(rank, scale, scale * rank), a, b, List.of());
  }

  /** The rank and both forms of the factor: a quotient times the rank may miss the number. */
  private record Strength(int rank, double scale, double alpha) {}

  private LoraPair(Strength strength, float[] a, float[] b, List<Long> kernel) {
    int rank = strength.rank();
    if (rank < 1 || a.length % rank != 0 || b.length % rank != 0) {
      throw new CheckpointException(
          "expected A and B of rank %d, found %d and %d values"
              .formatted(rank, a.length, b.length));
    }
    this.rank = rank;
    this.scale = strength.scale();
    this.alpha = strength.alpha();
    this.a = a;
    this.b = b;
    this.kernel = List.copyOf(kernel);
  }

  /** A pair whose file says alpha: the scale is alpha / rank. */
  public static LoraPair ofAlpha(int rank, double alpha, float[] a, float[] b) {
    return new LoraPair(new Strength(rank, alpha / rank, alpha), a, b, List.of());
  }

  /**
   * The same of a convolution: A is [rank, in, kernel…], B [out, rank, 1…].
   *
   * @throws CheckpointException when A does not hold whole kernels
   */
  public LoraPair withKernel(List<Long> sizes) {
    long size = sizes.stream().reduce(1L, Math::multiplyExact);
    if (size < 1 || in() % size != 0) {
      throw new CheckpointException(
          "expected rows of A of whole kernels %s, found %d values".formatted(sizes, in()));
    }
    return new LoraPair(new Strength(rank, scale, alpha), a, b, sizes);
  }

  /** The same with a factor on the whole. */
  LoraPair times(double factor) {
    return new LoraPair(new Strength(rank, scale * factor, alpha * factor), a, b, kernel);
  }

  /** The sizes of a convolution's kernel; empty for a linear layer. */
  public List<Long> kernel() {
    return kernel;
  }

  /** A's shape in files. */
  List<Long> shapeOfA() {
    long size = kernel.stream().reduce(1L, Math::multiplyExact);
    return LayerChange.shape(rank, in() / size, kernel);
  }

  /** B's shape in files. */
  List<Long> shapeOfB() {
    return LayerChange.shape(out(), rank, kernel.stream().map(size -> 1L).toList());
  }

  @Override
  public String kind() {
    return "LoRA";
  }

  @Override
  public int rank() {
    return rank;
  }

  @Override
  public double scale() {
    return scale;
  }

  @Override
  public double alpha() {
    return alpha;
  }

  @Override
  public int in() {
    return a.length / rank;
  }

  @Override
  public int out() {
    return b.length / rank;
  }

  @Override
  public List<float[]> numbers() {
    return List.of(a, b);
  }

  /** It does not depend on the weight. */
  @Override
  public PreparedChange on(Elements weight) {
    return this;
  }

  /** [rank, in], not copied. */
  public float[] a() {
    return a;
  }

  /** [out, rank], not copied. */
  public float[] b() {
    return b;
  }

  /** The Frobenius norm of {@code scale · B · A}, from the two Gram matrices [rank, rank]. */
  @Override
  public double norm() {
    double sum = 0;
    for (int i = 0; i < rank; i++) {
      for (int j = 0; j < rank; j++) {
        double rows = 0;
        for (int k = 0; k < in(); k++) {
          rows += (double) a[i * in() + k] * a[j * in() + k];
        }
        double columns = 0;
        for (int k = 0; k < out(); k++) {
          columns += (double) b[k * rank + i] * b[k * rank + j];
        }
        sum += rows * columns;
      }
    }
    return Math.abs(scale) * Math.sqrt(Math.max(0, sum));
  }

  @Override
  public boolean isFinite(double strength) {
    double factor = Math.abs((float) (strength * scale));
    if (Math.max(1, factor) * rank * largest(a) * largest(b) <= Float.MAX_VALUE) {
      return true;
    }
    float[] row = new float[in()];
    for (int i = 0; i < out(); i++) {
      Arrays.fill(row, 0);
      addTo(row, (long) i * in(), strength);
      for (float value : row) {
        if (!Float.isFinite(value)) {
          return false;
        }
      }
    }
    return true;
  }

  private static double largest(float[] values) {
    double largest = 0;
    for (float value : values) {
      largest = Math.max(largest, Math.abs(value));
    }
    return largest;
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

  @Override
  public void addTo(float[] elements, long first, double strength) {
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
