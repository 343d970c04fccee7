package io.github.tpdiff.runtime.onnx;

import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.Op;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.graph.Value;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;

/**
 * What of a graph LoRAs can change at run time. Each is an input with a default, which whoever puts
 * no LoRA on does not give:
 *
 * <ul>
 *   <li>a linear layer's {@code X.lora_A.weight} [r, in] and {@code X.lora_B.weight} [out, r], by
 *       default of rank 0, add B · A to {@code X.weight};
 *   <li>a small tensor, such as a bias, a norm's weight or a table, may be given in full.
 * </ul>
 *
 * @param layers weights [out, in] of linear layers, by the tensor's name
 * @param tensors the small ones, by name
 */
record Adaptable(Map<String, Value> layers, Set<String> tensors) {
  /**
   * 4 MB in fp32. The runtime packs a weight that is no input for its matrix products once; the
   * large ones keep that.
   */
  private static final long MOST_ELEMENTS = 1 << 20;

  private static final String WEIGHT = ".weight";
  private static final String LORA_A = ".lora_A" + WEIGHT;
  private static final String LORA_B = ".lora_B" + WEIGHT;

  /** Nothing: all is as it was exported. */
  static Adaptable nothing() {
    return new Adaptable(Map.of(), Set.of());
  }

  /** All of a network that LoRAs are known to change. */
  static Adaptable of(Program program) {
    var layers = new LinkedHashMap<String, Value>();
    for (Graph segment : program.segments()) {
      for (Value node : segment.nodes()) {
        if (node.op() instanceof Op.Linear
            && node.inputs().get(1).op() instanceof Op.Weight weight
            && weight.name().endsWith(WEIGHT)) {
          layers.put(weight.name(), node.inputs().get(1));
        }
      }
    }
    var tensors = new LinkedHashSet<String>();
    program
        .weights()
        .forEach(
            (name, value) -> {
              if (elements(value) <= MOST_ELEMENTS) {
                tensors.add(name);
              }
            });
    return new Adaptable(layers, tensors);
  }

  private static double elements(Value weight) {
    return weight.shape().dims().stream()
        .mapToDouble(dim -> dim.value())
        .reduce(1, (one, other) -> one * other);
  }

  /** The input of A, of a layer's weight. */
  static String loraA(String weight) {
    return module(weight) + LORA_A;
  }

  /** The input of B, of a layer's weight. */
  static String loraB(String weight) {
    return module(weight) + LORA_B;
  }

  /** The name of both sizes r of a layer. */
  static String rank(String weight) {
    return module(weight) + ".rank";
  }

  private static String module(String weight) {
    return weight.substring(0, weight.length() - WEIGHT.length());
  }
}
