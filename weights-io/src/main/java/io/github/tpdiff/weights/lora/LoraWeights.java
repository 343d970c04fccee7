package io.github.tpdiff.weights.lora;

import io.github.tpdiff.weights.CheckpointException;
import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;

/**
 * A LoRA in one form, whatever file it came from.
 *
 * @param component {@code transformer} or {@code unet}: the part of the pipeline it changes
 * @param pairs by the diffusers name of the module, such as {@code blocks.0.attn1.to_q}
 * @param metadata strings to travel with it, such as {@code tpdiff.stage_plan}
 */
public record LoraWeights(
    String component, Map<String, LoraPair> pairs, Map<String, String> metadata) {

  /**
   * @throws CheckpointException when there are no pairs
   */
  public LoraWeights {
    if (pairs.isEmpty()) {
      throw new CheckpointException("expected a LoRA of at least one module, found none");
    }
    pairs = Collections.unmodifiableMap(new TreeMap<>(pairs));
    metadata = Collections.unmodifiableMap(new TreeMap<>(metadata));
  }
}
