package io.github.tpdiff.lora.optim;

import static com.google.common.base.Preconditions.checkArgument;

import java.util.Collection;
import java.util.Map;
import java.util.Optional;

/** The norm of all gradients together, and what is done about it. */
public final class GradientNorm {
  private GradientNorm() {}

  /** The 2-norm over all values. */
  public static double of(Collection<float[]> gradients) {
    double sum = 0;
    for (float[] gradient : gradients) {
      for (float value : gradient) {
        sum += (double) value * value;
      }
    }
    return Math.sqrt(sum);
  }

  /** What gradients of a norm are multiplied with, so that it is at most {@code maxNorm}. */
  public static double factor(double norm, double maxNorm) {
    return Math.min(1, maxNorm / (norm + 1e-6));
  }

  /**
   * Scales gradients in place so that their norm is at most {@code maxNorm}, as {@code
   * torch.nn.utils.clip_grad_norm_}.
   *
   * @return the norm before
   */
  public static double clip(Collection<float[]> gradients, double maxNorm) {
    checkArgument(maxNorm > 0, "train.max_grad_norm: must be positive, found %s", maxNorm);
    double norm = of(gradients);
    scale(gradients, factor(norm, maxNorm));
    return norm;
  }

  /** Multiplies gradients in place. */
  public static void scale(Collection<float[]> gradients, double factor) {
    float rounded = (float) factor;
    for (float[] gradient : gradients) {
      for (int i = 0; i < gradient.length; i++) {
        gradient[i] *= rounded;
      }
    }
  }

  /** The first tensor with a value that is not finite. */
  public static Optional<String> firstNonFinite(Map<String, float[]> tensors) {
    return tensors.entrySet().stream()
        .filter(entry -> !isFinite(entry.getValue()))
        .map(Map.Entry::getKey)
        .findFirst();
  }

  private static boolean isFinite(float[] values) {
    for (float value : values) {
      if (!Float.isFinite(value)) {
        return false;
      }
    }
    return true;
  }
}
