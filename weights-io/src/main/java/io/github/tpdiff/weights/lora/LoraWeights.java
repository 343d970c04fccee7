package io.github.tpdiff.weights.lora;

import io.github.tpdiff.weights.CheckpointException;
import java.util.Collection;
import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * A LoRA in one form, whatever file it came from.
 *
 * @param component {@code transformer} or {@code unet}: the part of the pipeline it changes
 * @param pairs by the diffusers name of the module, such as {@code blocks.0.attn1.to_q}
 * @param full by the diffusers name of the tensor, such as {@code blocks.0.norm2.bias}
 * @param metadata strings to travel with it, such as {@code tpdiff.stage_plan}
 */
public record LoraWeights(
    String component,
    Map<String, LoraPair> pairs,
    Map<String, FullChange> full,
    Map<String, String> metadata) {

  static final String WEIGHT = ".weight";
  static final String BIAS = ".bias";

  /**
   * @throws CheckpointException when nothing is changed
   */
  public LoraWeights {
    if (pairs.isEmpty() && full.isEmpty()) {
      throw new CheckpointException("expected a LoRA of at least one module, found none");
    }
    pairs = Collections.unmodifiableMap(new TreeMap<>(pairs));
    full = Collections.unmodifiableMap(new TreeMap<>(full));
    metadata = Collections.unmodifiableMap(new TreeMap<>(metadata));
  }

  /** Low-rank changes alone. */
  public LoraWeights(String component, Map<String, LoraPair> pairs, Map<String, String> metadata) {
    this(component, pairs, Map.of(), metadata);
  }

  /**
   * The inverse of {@link #changes}.
   *
   * @param changes by the tensor's diffusers name; low-rank ones of weights alone
   * @throws CheckpointException when a low-rank change is of another tensor
   */
  public static LoraWeights of(
      String component, Map<String, TensorChange> changes, Map<String, String> metadata) {
    Map<String, LoraPair> pairs = new TreeMap<>();
    Map<String, FullChange> full = new TreeMap<>();
    changes.forEach(
        (tensor, change) -> {
          change.full().ifPresent(own -> full.put(tensor, own));
          change
              .pair()
              .ifPresent(
                  own -> {
                    if (!tensor.endsWith(WEIGHT)) {
                      throw new CheckpointException(
                          "tensor '%s': expected a low-rank change of a weight".formatted(tensor));
                    }
                    pairs.put(tensor.substring(0, tensor.length() - WEIGHT.length()), own);
                  });
        });
    return new LoraWeights(component, pairs, full, metadata);
  }

  /** What happens to each tensor that is changed, by its diffusers name. */
  public Map<String, TensorChange> changes() {
    Map<String, TensorChange> changes = new TreeMap<>();
    pairs.forEach((module, pair) -> changes.put(module + WEIGHT, TensorChange.of(pair)));
    full.forEach(
        (tensor, change) ->
            changes.merge(
                tensor,
                new TensorChange(Optional.empty(), Optional.of(change)),
                (low, own) -> new TensorChange(low.pair(), own.full())));
    return changes;
  }

  /** The modules that it changes, tensors that are no module's own included. */
  Set<String> modules() {
    Set<String> modules = new TreeSet<>(pairs.keySet());
    full.keySet().stream()
        .map(tensor -> tensor.replaceFirst("\\.(weight|bias)$", ""))
        .forEach(modules::add);
    return modules;
  }

  /**
   * The part of a pipeline that modules are of: {@code unet} or {@code transformer}.
   *
   * @param modules by their diffusers names; of a transformer where no known network has them
   */
  public static String componentOf(Collection<String> modules) {
    return LoraNetwork.of(modules).get(0).component();
  }

  /** Changes of biases in full, by module, of layers that have a product that is scaled. */
  Map<String, FullChange> biasesBesidePairs() {
    Map<String, FullChange> biases = new TreeMap<>();
    pairs.forEach(
        (module, pair) ->
            Optional.ofNullable(full.get(module + BIAS))
                .filter(change -> pair.scale() != 0)
                .ifPresent(change -> biases.put(module, change)));
    return biases;
  }
}
