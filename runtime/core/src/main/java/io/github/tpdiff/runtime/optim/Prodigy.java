package io.github.tpdiff.runtime.optim;

import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.TensorInfo;
import java.util.List;

/**
 * AdamW that finds its step size by itself: an estimate of the distance to the solution that only
 * grows (Mishchenko and Defazio 2023), as {@code prodigyopt.Prodigy}; its learning rate is a factor
 * on that estimate, usually 1.
 *
 * @param beta1 decay of the mean of gradients
 * @param beta2 decay of the mean of squares; its root is that of the estimate's sums
 * @param eps added to the root of the mean of squares, times the estimate
 * @param weightDecay decoupled: the share of a weight that a step of size 1 takes away
 * @param estimation of the distance
 */
public record Prodigy(
    double beta1, double beta2, double eps, double weightDecay, Estimation estimation)
    implements OptimizerKind {
  /**
   * The reference's own numbers, with what its authors advise for diffusion models: corrected bias
   * and a safeguard for warm-up.
   */
  public static final Prodigy DEFAULT =
      new Prodigy(0.9, 0.999, 1e-8, 0, new Estimation(1e-6, 1, true, true));

  /** Of its state: the mean of a weight's gradients, in the weight's shape. */
  public static final String MEAN = AdamW.MEAN;

  /** Of its state: the mean of their squares, in the weight's shape. */
  public static final String SQUARE = AdamW.SQUARE;

  /** Of its state: the running sum of a weight's gradients, in the weight's shape. */
  public static final String SUM = "s.";

  /** Of its state: a weight's values before the first step. */
  public static final String START = "p0.";

  /**
   * How the distance is estimated.
   *
   * @param first estimate; reference: {@code d0}
   * @param factor on later ones; reference: {@code d_coef}
   * @param safeguardsWarmup leaves the learning rate out of the sums, for rates that begin small
   * @param correctsBias corrects the means' bias as Adam does
   */
  public record Estimation(
      double first, double factor, boolean safeguardsWarmup, boolean correctsBias) {
    /**
     * @throws IllegalArgumentException if a number is not positive
     */
    public Estimation {
      OptimizerKind.requirePositive("d0", first);
      OptimizerKind.requirePositive("d_coef", factor);
    }
  }

  /**
   * @throws IllegalArgumentException if a value is out of range
   */
  public Prodigy {
    OptimizerKind.requireBetas(beta1, beta2);
    OptimizerKind.requirePositive("eps", eps);
    OptimizerKind.requireWeightDecay(weightDecay);
  }

  /**
   * {@inheritDoc}
   *
   * <p>Beside them lies one {@link ProdigyEstimate}.
   */
  @Override
  public List<TensorInfo> remembered(TensorInfo weight) {
    return List.of(
        new TensorInfo(MEAN + weight.name(), DType.F32, weight.shape()),
        new TensorInfo(SQUARE + weight.name(), DType.F32, weight.shape()),
        new TensorInfo(SUM + weight.name(), DType.F32, weight.shape()),
        new TensorInfo(START + weight.name(), DType.F32, weight.shape()));
  }

  @Override
  public double bytesPerValue() {
    return 4 * Float.BYTES;
  }

  /** One estimate serves all tensors. */
  @Override
  public boolean takesSeveralRates() {
    return false;
  }
}
