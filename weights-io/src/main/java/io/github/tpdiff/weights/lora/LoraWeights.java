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
 * @param layers by the diffusers name of the module, such as {@code blocks.0.attn1.to_q}
 * @param full by the diffusers name of the tensor, such as {@code blocks.0.norm2.bias}
 * @param metadata strings to travel with it, such as {@code tpdiff.stage_plan}
 */
public record LoraWeights(
    String component,
    Map<String, LayerChange> layers,
    Map<String, FullChange> full,
    Map<String, String> metadata) {

  static final String WEIGHT = ".weight";
  static final String BIAS = ".bias";

  /**
   * @throws CheckpointException when nothing is changed
   */
  public LoraWeights {
    if (layers.isEmpty() && full.isEmpty()) {
      throw new CheckpointException("expected a LoRA of at least one module, found none");
    }
    layers = Collections.unmodifiableMap(new TreeMap<>(layers));
    full = Collections.unmodifiableMap(new TreeMap<>(full));
    metadata = Collections.unmodifiableMap(new TreeMap<>(metadata));
  }

  /** Changes of layers alone. */
  public LoraWeights(
      String component, Map<String, ? extends LayerChange> layers, Map<String, String> metadata) {
    this(component, new TreeMap<>(layers), Map.of(), metadata);
  }

  /** The layers that gain a low-rank product and nothing else. */
  public Map<String, LoraPair> pairs() {
    Map<String, LoraPair> pairs = new TreeMap<>();
    layers.forEach(
        (module, change) -> {
          if (change instanceof LoraPair pair) {
            pairs.put(module, pair);
          }
        });
    return pairs;
  }

  /** The same with other strings. */
  public LoraWeights withMetadata(Map<String, String> others) {
    return new LoraWeights(component, layers, full, others);
  }

  /**
   * The inverse of {@link #changes}.
   *
   * @param changes by the tensor's diffusers name; those of layers of weights alone
   * @throws CheckpointException when a layer's change is of another tensor
   */
  public static LoraWeights of(
      String component, Map<String, TensorChange> changes, Map<String, String> metadata) {
    Map<String, LayerChange> layers = new TreeMap<>();
    Map<String, FullChange> full = new TreeMap<>();
    changes.forEach(
        (tensor, change) -> {
          change.full().ifPresent(own -> full.put(tensor, own));
          change
              .layer()
              .ifPresent(
                  own -> {
                    if (!tensor.endsWith(WEIGHT)) {
                      throw new CheckpointException(
                          "tensor '%s': expected a %s of a weight".formatted(tensor, own.kind()));
                    }
                    layers.put(tensor.substring(0, tensor.length() - WEIGHT.length()), own);
                  });
        });
    return new LoraWeights(component, layers, full, metadata);
  }

  /** What happens to each tensor that is changed, by its diffusers name. */
  public Map<String, TensorChange> changes() {
    Map<String, TensorChange> changes = new TreeMap<>();
    layers.forEach((module, change) -> changes.put(module + WEIGHT, TensorChange.of(change)));
    full.forEach(
        (tensor, change) ->
            changes.merge(
                tensor,
                new TensorChange(Optional.empty(), Optional.of(change)),
                (layer, own) -> new TensorChange(layer.layer(), own.full())));
    return changes;
  }

  /** The modules that it changes, tensors that are no module's own included. */
  Set<String> modules() {
    Set<String> modules = new TreeSet<>(layers.keySet());
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
    pairs()
        .forEach(
            (module, pair) ->
                Optional.ofNullable(full.get(module + BIAS))
                    .filter(change -> pair.scale() != 0)
                    .ifPresent(change -> biases.put(module, change)));
    return biases;
  }
}
