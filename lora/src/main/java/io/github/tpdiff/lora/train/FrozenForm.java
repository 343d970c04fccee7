package io.github.tpdiff.lora.train;

import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.Op;
import io.github.tpdiff.runtime.graph.Value;
import io.github.tpdiff.runtime.model.Component;
import io.github.tpdiff.weights.Quantization;
import io.github.tpdiff.weights.TensorSource;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.Set;

/**
 * In which numbers a network's frozen weights are held while something is trained. It is of the
 * weights of linear layers and convolutions alone: norms, biases, tables and what is trained stay
 * as they are stored.
 */
public enum FrozenForm {
  /** As the checkpoint has them, scaled eight-bit floats included. */
  STORED,
  /** Rounded to BF16; those stored in no more bits stay as they are. */
  BF16,
  /** Rounded to E4M3 with a scale for each tensor; those stored in eight bits stay as they are. */
  FP8;

  /**
   * The network with its weights in this form.
   *
   * @param trained names of its own tensors that are trained
   */
  public Component of(Component network, Collection<String> trained) {
    TensorSource weights = network.weights();
    Set<String> products = products(network);
    products.removeAll(trained);
    return switch (this) {
      case STORED -> network;
      case BF16 -> network.withWeights(weights.inBf16(products));
      case FP8 -> network.withWeights(weights.quantized(products, Quantization.E4M3_TENSOR));
    };
  }

  private static Set<String> products(Component network) {
    var names = new LinkedHashSet<String>();
    for (Graph graph : network.program().segments()) {
      for (Value node : graph.nodes()) {
        if ((node.op() instanceof Op.Linear || node.op() instanceof Op.Conv)
            && node.inputs().get(1).op() instanceof Op.Weight weight) {
          names.add(weight.name());
        }
      }
    }
    return names;
  }
}
