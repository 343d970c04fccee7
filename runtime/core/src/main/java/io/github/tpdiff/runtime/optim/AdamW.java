package io.github.tpdiff.runtime.optim;

import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.TensorInfo;
import java.util.List;

/**
 * Adam with decoupled weight decay (Loshchilov and Hutter 2019), as {@code torch.optim.AdamW}.
 *
 * @param beta1 decay of the mean of gradients
 * @param beta2 decay of the mean of squares
 * @param eps added to the root of the mean of squares
 * @param weightDecay decoupled: the share of a weight that a step at rate 1 takes away
 */
public record AdamW(double beta1, double beta2, double eps, double weightDecay)
    implements OptimizerKind {
  /** torch's own defaults. */
  public static final AdamW DEFAULT = new AdamW(0.9, 0.999, 1e-8, 0.01);

  /** Of its state: the mean of a weight's gradients, in the weight's shape. */
  public static final String MEAN = "exp_avg.";

  /** Of its state: the mean of their squares, in the weight's shape. */
  public static final String SQUARE = "exp_avg_sq.";

  /**
   * @throws IllegalArgumentException if a value is out of range
   */
  public AdamW {
    OptimizerKind.requireBetas(beta1, beta2);
    OptimizerKind.requirePositive("eps", eps);
    OptimizerKind.requireWeightDecay(weightDecay);
  }

  @Override
  public List<TensorInfo> remembered(TensorInfo weight) {
    return List.of(
        new TensorInfo(MEAN + weight.name(), DType.F32, weight.shape()),
        new TensorInfo(SQUARE + weight.name(), DType.F32, weight.shape()));
  }

  @Override
  public double bytesPerValue() {
    return 2 * Float.BYTES;
  }

  /**
   * The numbers of a step, in fp32.
   *
   * @param decay factor on the weight
   * @param size factor on mean / (root of square / rootCorrection + eps)
   * @param rootCorrection of the square's bias
   * @param eps as given
   * @param beta1 as given
   * @param toGradient 1 − beta1
   * @param beta2 as given
   * @param toSquare 1 − beta2
   */
  public record Step(
      float decay,
      float size,
      float rootCorrection,
      float eps,
      float beta1,
      float toGradient,
      float beta2,
      float toSquare) {

    /** All, in their order. */
    public float[] numbers() {
      return new float[] {decay, size, rootCorrection, eps, beta1, toGradient, beta2, toSquare};
    }
  }

  /**
   * The numbers of a step.
   *
   * @param number from 1
   * @param rate of learning
   */
  public Step step(int number, double rate) {
    return new Step(
        (float) (1 - rate * weightDecay),
        (float) (-rate / (1 - Math.pow(beta1, number))),
        (float) Math.sqrt(1 - Math.pow(beta2, number)),
        (float) eps,
        (float) beta1,
        (float) (1 - beta1),
        (float) beta2,
        (float) (1 - beta2));
  }
}
