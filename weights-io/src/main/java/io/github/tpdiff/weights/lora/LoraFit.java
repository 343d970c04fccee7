package io.github.tpdiff.weights.lora;

import static java.util.Objects.requireNonNull;

import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.NearestName;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.layout.Network;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Whether LoRAs fit a network.
 *
 * @param known the network's tensors, by their diffusers names
 */
public record LoraFit(Map<String, TensorInfo> known) {
  private static final String WEIGHT = LoraWeights.WEIGHT;
  private static final String BIAS = LoraWeights.BIAS;

  /**
   * The changes of tensors that the network has, whose sizes fit.
   *
   * @param origin of the LoRA, for errors
   * @throws IllegalArgumentException if a layer of the LoRA is not in the network
   * @throws CheckpointException if a tensor has another shape there
   */
  public Map<String, TensorChange> require(String origin, LoraWeights lora) {
    Map<String, TensorChange> changes = lora.changes();
    List<String> unknown =
        changes.keySet().stream()
            .filter(name -> !known.containsKey(name) && !isLeftOut(name))
            .toList();
    unknown.stream()
        .findFirst()
        .ifPresent(
            name -> {
              throw new IllegalArgumentException(
                  "%s: tensor '%s' is not in the model (%d of %d that it changes are not)%s; is it for another checkpoint?"
                      .formatted(
                          origin,
                          name,
                          unknown.size(),
                          changes.size(),
                          NearestName.of(name, known.keySet())
                              .map(near -> ", the nearest is '" + near + "'")
                              .orElse("")));
            });
    changes.keySet().retainAll(known.keySet());
    changes.forEach((name, change) -> change.requireFits(origin, requireNonNull(known.get(name))));
    return changes;
  }

  /**
   * What the LoRA changes and the network has no use for: biases that its layers do not have, and
   * {@linkplain Network#isOptional parts} that other models of its network have (diffusers leaves
   * them out too).
   */
  public List<String> leftOut(LoraWeights lora) {
    Set<String> names = known.keySet();
    return lora.changes().keySet().stream()
        .filter(name -> !names.contains(name) && isLeftOut(name))
        .toList();
  }

  private boolean isLeftOut(String tensor) {
    return isOfALayer(tensor)
        || Arrays.stream(Network.values()).anyMatch(network -> network.isOptional(tensor));
  }

  private boolean isOfALayer(String tensor) {
    return tensor.endsWith(BIAS)
        && known.containsKey(tensor.substring(0, tensor.length() - BIAS.length()) + WEIGHT);
  }
}
