package io.github.tpdiff.runtime.optim;

import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.TensorInfo;
import java.util.List;

/**
 * {@link AdamW} that remembers both means in eight bits a value, each block of 256 values with a
 * scale of its own (Dettmers et al. 2022, 8-bit Optimizers via Block-wise Quantization); the
 * arithmetic and the rule for small tensors are those of bitsandbytes' {@code AdamW8bit}.
 *
 * @param numbers as AdamW's
 */
public record AdamW8bit(AdamW numbers) implements OptimizerKind {
  public static final AdamW8bit DEFAULT = new AdamW8bit(AdamW.DEFAULT);

  /** Of its state: the largest magnitude of each block of the mean. */
  public static final String MEAN_SCALE = "exp_avg_absmax.";

  /** Of its state: the largest of each block of the mean of squares. */
  public static final String SQUARE_SCALE = "exp_avg_sq_absmax.";

  /** Smaller tensors are remembered as {@link AdamW} does. */
  public static final int FEWEST_VALUES = 4096;

  /** Whether so many values are remembered in eight bits. */
  public static boolean isCoded(long values) {
    return values >= FEWEST_VALUES;
  }

  /**
   * {@inheritDoc}
   *
   * <p>Codes are indices into {@link DynamicCode}; values are blocked as they lie, row-major, the
   * last block may be shorter.
   */
  @Override
  public List<TensorInfo> remembered(TensorInfo weight) {
    long values = weight.elementCount();
    if (!isCoded(values)) {
      return numbers.remembered(weight);
    }
    List<Long> blocks = List.of((values + DynamicCode.BLOCK - 1) / DynamicCode.BLOCK);
    return List.of(
        new TensorInfo(AdamW.MEAN + weight.name(), DType.U8, weight.shape()),
        new TensorInfo(MEAN_SCALE + weight.name(), DType.F32, blocks),
        new TensorInfo(AdamW.SQUARE + weight.name(), DType.U8, weight.shape()),
        new TensorInfo(SQUARE_SCALE + weight.name(), DType.F32, blocks));
  }

  @Override
  public double bytesPerValue() {
    return 2 * (1 + (double) Float.BYTES / DynamicCode.BLOCK);
  }
}
