package io.github.tpdiff.lora;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.graph.Op;
import io.github.tpdiff.runtime.graph.Value;
import java.util.Map;

/**
 * Dropout of what the changes of layers are given of their inputs, in training alone. Which
 * elements are dropped follows from a seed that is an input of the program, so that a pass made
 * again drops the same; see {@link Op.Dropout}.
 *
 * @param share of the elements; 0 for none, then the program has no such input
 */
public record LoraDropout(double share) {
  /** Name of the seed, I64 [1]. */
  private static final String SEED = "lora_dropout_seed";

  /** Everything is given. */
  public static final LoraDropout NONE = new LoraDropout(0);

  /**
   * @throws IllegalArgumentException if the share is out of range
   */
  public LoraDropout {
    checkArgument(share >= 0 && share < 1, "lora.dropout: in [0, 1), found %s", share);
  }

  /** Inputs by which a program drops other elements than by those of other bits. */
  public static Map<String, Tensor> seeded(long bits) {
    return seed(bits >>> 33);
  }

  /** Inputs by which a program drops nothing. */
  public static Map<String, Tensor> nothing() {
    return seed(-1);
  }

  private static Map<String, Tensor> seed(long seed) {
    return Map.of(SEED, Tensor.ofLongs(new long[] {seed}, 1));
  }

  /**
   * The layer with this of its input for the change.
   *
   * @param number of the layer, by which it drops other elements than others do
   */
  Layer of(Layer layer, int number) {
    return share == 0
        ? layer
        : layer.giving(
            layer
                .x()
                .dropout(share, Value.indexInput(SEED, 1), Value.indices(new long[] {number}, 1)));
  }
}
