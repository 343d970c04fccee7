package io.github.tpdiff.runtime.optim;

import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.TensorInfo;
import java.util.ArrayList;
import java.util.List;

/**
 * Adam's division by the root of the mean of squares, of which only the means of rows and columns
 * are remembered (Shazeer and Stern 2018), as {@code transformers.optimization.Adafactor} with the
 * options that trainers choose: a given learning rate ({@code relative_step=False}), the same for
 * all tensors whatever their size ({@code scale_parameter=False}), no first moment.
 *
 * @param eps added to squares
 * @param weightDecay the share of a weight that a step at rate 1 takes away
 */
public record Adafactor(double eps, double weightDecay) implements OptimizerKind {
  /** The reference's own defaults. */
  public static final Adafactor DEFAULT = new Adafactor(1e-30, 0);

  /** To which the root mean square of a tensor's update is cut. */
  private static final double CLIP_THRESHOLD = 1;

  /** c of β₂ = 1 − step^−c. */
  private static final double DECAY_RATE = 0.8;

  /** Of its state, for a matrix: means of its rows, in the weight's shape without the last axis. */
  public static final String ROWS = "exp_avg_sq_row.";

  /** Of its state: means of its columns, in the weight's shape without the last axis but one. */
  public static final String COLUMNS = "exp_avg_sq_col.";

  /** Of its state, for a vector: the mean of squares, in the weight's shape. */
  public static final String SQUARE = AdamW.SQUARE;

  /**
   * @throws IllegalArgumentException if a value is out of range
   */
  public Adafactor {
    OptimizerKind.requirePositive("eps", eps);
    OptimizerKind.requireWeightDecay(weightDecay);
  }

  /** Whether a tensor of that shape is remembered by rows and columns. */
  public static boolean isFactored(List<Long> shape) {
    return shape.size() >= 2;
  }

  @Override
  public List<TensorInfo> remembered(TensorInfo weight) {
    List<Long> shape = weight.shape();
    if (!isFactored(shape)) {
      return List.of(new TensorInfo(SQUARE + weight.name(), DType.F32, shape));
    }
    var columns = new ArrayList<>(shape);
    columns.remove(shape.size() - 2);
    return List.of(
        new TensorInfo(ROWS + weight.name(), DType.F32, shape.subList(0, shape.size() - 1)),
        new TensorInfo(COLUMNS + weight.name(), DType.F32, columns));
  }

  /** A row and a column of a large matrix are next to nothing. */
  @Override
  public double bytesPerValue() {
    return 0;
  }

  /**
   * The numbers of a step, in fp32.
   *
   * @param decay factor on the weight of what is added to it
   * @param rate of learning
   * @param beta2 decay of the means
   * @param toSquare 1 − beta2
   * @param eps as given
   * @param clipThreshold to which the root mean square of an update is cut
   */
  public record Step(
      float decay, float rate, float beta2, float toSquare, float eps, float clipThreshold) {
    /** All, in their order. */
    public float[] numbers() {
      return new float[] {decay, rate, beta2, toSquare, eps, clipThreshold};
    }
  }

  /**
   * The numbers of a step.
   *
   * @param number from 1
   * @param rate of learning
   */
  public Step step(int number, double rate) {
    double beta2 = 1 - Math.pow(number, -DECAY_RATE);
    return new Step(
        (float) (-weightDecay * rate),
        (float) rate,
        (float) beta2,
        (float) (1 - beta2),
        (float) eps,
        (float) CLIP_THRESHOLD);
  }
}
