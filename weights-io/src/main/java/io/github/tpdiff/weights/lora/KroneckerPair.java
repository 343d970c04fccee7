package io.github.tpdiff.weights.lora;

import io.github.tpdiff.weights.CheckpointException;
import java.util.List;

/**
 * A LoKr of one layer (Yeh et al. 2024, LyCORIS): {@code W + scale · w1 ⊗ w2}, the Kronecker
 * product of w1 [a, b] and w2 [c, d] for a weight [a·c, b·d]. Of a convolution, w2 has its kernel.
 */
public final class KroneckerPair implements LayerChange {
  private final KroneckerFactor w1;
  private final KroneckerFactor w2;
  private final double scale;
  private final double alpha;
  private final List<Long> kernel;

  private KroneckerPair(
      KroneckerFactor w1, KroneckerFactor w2, double scale, double alpha, List<Long> kernel) {
    this.w1 = w1;
    this.w2 = w2;
    this.scale = scale;
    this.alpha = alpha;
    this.kernel = List.copyOf(kernel);
    Math.multiplyExact(w1.rows(), w2.rows());
    Math.multiplyExact(w1.columns(), w2.columns());
  }

  /** A pair whose scale is known. */
  public static KroneckerPair ofScale(KroneckerFactor w1, KroneckerFactor w2, double scale) {
    return new KroneckerPair(w1, w2, scale, scale * rank(w1, w2), List.of());
  }

  /** A pair whose file says alpha: the scale is alpha / rank, and 1 where both are in full. */
  public static KroneckerPair ofAlpha(KroneckerFactor w1, KroneckerFactor w2, double alpha) {
    int rank = rank(w1, w2);
    return rank == 0
        ? ofScale(w1, w2, 1)
        : new KroneckerPair(w1, w2, alpha / rank, alpha, List.of());
  }

  /**
   * The same of a convolution: w2 is [c, channels, kernel…].
   *
   * @throws CheckpointException when w2 does not hold whole kernels
   */
  KroneckerPair withKernel(List<Long> sizes) {
    long size = sizes.stream().reduce(1L, Math::multiplyExact);
    if (size < 1 || w2.columns() % size != 0) {
      throw new CheckpointException(
          "expected rows of w2 of whole kernels %s, found %d values"
              .formatted(sizes, w2.columns()));
    }
    return new KroneckerPair(w1, w2, scale, alpha, sizes);
  }

  /** The same with its factors written otherwise. */
  KroneckerPair with(KroneckerFactor first, KroneckerFactor second) {
    int rank = rank(first, second);
    return new KroneckerPair(first, second, scale, rank == rank() ? alpha : scale * rank, kernel);
  }

  private static int rank(KroneckerFactor w1, KroneckerFactor w2) {
    return w2.isFull() ? w1.rank() : w2.rank();
  }

  public KroneckerFactor w1() {
    return w1;
  }

  public KroneckerFactor w2() {
    return w2;
  }

  @Override
  public String kind() {
    return "LoKr";
  }

  @Override
  public int rank() {
    return rank(w1, w2);
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
    return w1.columns() * w2.columns();
  }

  @Override
  public int out() {
    return w1.rows() * w2.rows();
  }

  @Override
  public List<float[]> numbers() {
    return List.of(w1.left(), w1.right(), w2.left(), w2.right());
  }

  /** How many numbers a convolution's kernel has; 1 for a linear layer. */
  int kernelSize() {
    return Math.toIntExact(kernel.stream().reduce(1L, Math::multiplyExact));
  }

  /** The same with the scale in w1, for files that cannot say it. */
  KroneckerPair withScaleInside() {
    return scale == 1
        ? this
        : new KroneckerPair(w1.inFull(scale), w2, 1, rank(w1.inFull(1), w2), kernel);
  }

  /** The shape of w2 in full as files hold it. */
  List<Long> shapeOfW2() {
    return LayerChange.shape(w2.rows(), w2.columns() / kernelSize(), kernel);
  }

  /** The same change with both factors in full and no scale. */
  private KroneckerPair plain() {
    return ofScale(w1.inFull(1), w2.inFull(1), scale);
  }

  @Override
  public boolean isFinite(double strength) {
    KroneckerPair plain = plain();
    double factor = Math.abs((float) (strength * scale));
    return Math.max(1, factor) * plain.w1.largest() * plain.w2.largest() <= Float.MAX_VALUE;
  }

  @Override
  public PreparedChange on(Elements weight) {
    return new Prepared(plain());
  }

  /** Of factors in full. */
  private record Prepared(KroneckerPair plain) implements PreparedChange {
    @Override
    public void addTo(float[] elements, long first, double strength) {
      float[] w1 = plain.w1.left();
      float[] w2 = plain.w2.left();
      int width = plain.in();
      int columns = plain.w2.columns();
      float factor = (float) (strength * plain.scale);
      for (int i = 0; i < elements.length; i++) {
        int row = (int) ((first + i) / width);
        int column = (int) ((first + i) % width);
        float left = w1[row / plain.w2.rows() * plain.w1.columns() + column / columns];
        float right = w2[row % plain.w2.rows() * columns + column % columns];
        elements[i] += factor * (left * right);
      }
    }

    @Override
    public double norm() {
      return Math.abs(plain.scale) * Math.sqrt(plain.w1.squares() * plain.w2.squares());
    }
  }
}
