package io.github.tpdiff.weights.lora;

import io.github.tpdiff.weights.CheckpointException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * LoKr as PEFT makes it of a configuration (peft 0.21, {@code tuners/lokr/layer.py}): the sizes of
 * both factors follow from one number and those of the layer, and w2 is a product where the rank is
 * less than half of its larger size. Scale is alpha / rank, whether or not anything has that rank.
 */
final class PeftKronecker {
  /**
   * How far above the largest size the factor is looked for, which need not divide any layer's
   * size.
   */
  private static final int MORE = 1000;

  private PeftKronecker() {}

  /** The same change with the factors in full that PEFT makes so. */
  static KroneckerPair made(KroneckerPair pair) {
    KroneckerFactor w1 = pair.w1().isFull() ? pair.w1() : pair.w1().inFull(1);
    boolean product = isProduct(pair.w2().rank(), pair.w2());
    KroneckerFactor w2 = product || pair.w2().isFull() ? pair.w2() : pair.w2().inFull(1);
    return pair.with(w1, w2);
  }

  private static boolean isProduct(int rank, KroneckerFactor w2) {
    return rank > 0 && 2L * rank < Math.max(w2.rows(), w2.columns());
  }

  /** The rank from which PEFT makes w2 as it is. */
  static int rank(KroneckerPair pair) {
    return pair.w2().isFull() ? Math.max(pair.w2().rows(), pair.w2().columns()) : pair.w2().rank();
  }

  /** What gives the pair's scale at that rank. */
  static double alpha(KroneckerPair pair) {
    return pair.w2().isFull() ? pair.scale() * rank(pair) : pair.alpha();
  }

  /** The fields that only a LoKr has. */
  static Map<String, Object> fields(Map<String, KroneckerPair> pairs, Number alpha) {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("alpha", alpha);
    fields.put("decompose_both", false);
    fields.put("decompose_factor", requireFactor("LoKr", pairs));
    fields.put("init_weights", true);
    fields.put("module_dropout", 0.0);
    fields.put("peft_type", AdapterConfig.LOKR);
    fields.put("rank_dropout", 0.0);
    fields.put("use_effective_conv2d", false);
    return fields;
  }

  /**
   * The number from which PEFT makes the sizes of all factors as they are.
   *
   * @throws CheckpointException when there is none
   */
  static int requireFactor(String origin, Map<String, KroneckerPair> pairs) {
    int largest =
        pairs.values().stream()
            .mapToInt(pair -> Math.max(pair.w1().rows(), pair.w1().columns()))
            .max()
            .orElse(1);
    return IntStream.concat(
            IntStream.of(largest, KroneckerSizes.NEAR_THE_ROOT),
            IntStream.rangeClosed(largest + 1, largest + MORE))
        .boxed()
        .filter(factor -> pairs.values().stream().allMatch(pair -> isMade(pair, factor)))
        .findFirst()
        .orElseThrow(
            () ->
                new CheckpointException(
                    "%s: no decompose_factor of PEFT gives the sizes of the LoKr's factors; write it as COMFYUI"
                        .formatted(origin)));
  }

  private static boolean isMade(KroneckerPair pair, int factor) {
    int kernel = pair.kernelSize();
    return KroneckerSizes.first(pair.out(), factor) == pair.w1().rows()
        && KroneckerSizes.first(pair.in() / kernel, factor) == pair.w1().columns();
  }
}
