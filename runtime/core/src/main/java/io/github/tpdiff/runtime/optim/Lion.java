package io.github.tpdiff.runtime.optim;

import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.TensorInfo;
import java.util.List;

/**
 * Steps of one size along the sign of a mean (Chen et al. 2023, Symbolic Discovery of Optimization
 * Algorithms), as {@code lion_pytorch.Lion}.
 *
 * @param beta1 share of the mean in what a step follows
 * @param beta2 decay of the mean
 * @param weightDecay decoupled: the share of a weight that a step at rate 1 takes away
 */
public record Lion(double beta1, double beta2, double weightDecay) implements OptimizerKind {
  /** The reference's own defaults. */
  public static final Lion DEFAULT = new Lion(0.9, 0.99, 0);

  /** Of its state: the mean of a weight's gradients, in the weight's shape. */
  public static final String MEAN = AdamW.MEAN;

  /**
   * @throws IllegalArgumentException if a value is out of range
   */
  public Lion {
    OptimizerKind.requireBetas(beta1, beta2);
    OptimizerKind.requireWeightDecay(weightDecay);
  }

  @Override
  public List<TensorInfo> remembered(TensorInfo weight) {
    return List.of(new TensorInfo(MEAN + weight.name(), DType.F32, weight.shape()));
  }

  @Override
  public double bytesPerValue() {
    return Float.BYTES;
  }

  /**
   * The numbers of a step, in fp32.
   *
   * @param decay factor on the weight
   * @param size factor on the sign
   * @param beta1 as given
   * @param toSign 1 − beta1
   * @param beta2 as given
   * @param toMean 1 − beta2
   */
  public record Step(
      float decay, float size, float beta1, float toSign, float beta2, float toMean) {
    /** All, in their order. */
    public float[] numbers() {
      return new float[] {decay, size, beta1, toSign, beta2, toMean};
    }
  }

  /** The numbers of a step at a learning rate. */
  public Step step(double rate) {
    return new Step(
        (float) (1 - rate * weightDecay),
        (float) -rate,
        (float) beta1,
        (float) (1 - beta1),
        (float) beta2,
        (float) (1 - beta2));
  }
}
