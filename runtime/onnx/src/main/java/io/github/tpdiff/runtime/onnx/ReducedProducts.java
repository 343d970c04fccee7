package io.github.tpdiff.runtime.onnx;

import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.Op;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.graph.Value;
import io.github.tpdiff.runtime.model.NetworkInputs;
import java.util.Collections;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.LinkedHashSet;
import java.util.Set;

/**
 * The products of a program that a {@link Precision} speaks of: linear layers, convolutions, and
 * attention without a bias. Those that embed the time are none, that is what follows from the time
 * of a step but not from its latents: they are small, and every block is modulated by them. Nor is
 * attention with a bias, whose numbers may be too large for fp16.
 */
final class ReducedProducts {
  private final Set<Value> products = Collections.newSetFromMap(new IdentityHashMap<>());
  private final Set<String> weights = new LinkedHashSet<>();

  private ReducedProducts() {}

  static ReducedProducts of(Program program) {
    var found = new ReducedProducts();
    var timed = new HashSet<>(Set.of(NetworkInputs.TIMESTEP));
    var latent = new HashSet<>(Set.of(NetworkInputs.LATENTS));
    var otherwise = new HashSet<String>();
    for (Graph segment : program.segments()) {
      Set<Value> ofTime = following(segment, timed);
      Set<Value> ofLatents = following(segment, latent);
      for (Value node : segment.nodes()) {
        boolean embedsTime = ofTime.contains(node) && !ofLatents.contains(node);
        boolean reduced = isProduct(node) && !embedsTime;
        if (reduced) {
          found.products.add(node);
        }
        for (int i = 0; i < node.inputs().size(); i++) {
          if (node.inputs().get(i).op() instanceof Op.Weight weight) {
            boolean isFactor = reduced && i == 1 && !(node.op() instanceof Op.Attention);
            (isFactor ? found.weights : otherwise).add(weight.name());
          }
        }
      }
    }
    found.weights.removeAll(otherwise);
    return found;
  }

  private static boolean isProduct(Value node) {
    return node.op() instanceof Op.Linear
        || node.op() instanceof Op.Conv
        || (node.op() instanceof Op.Attention && node.inputs().size() == 3);
  }

  /**
   * The values of a segment that named ones flow into.
   *
   * @param names of values of the program; those of the segment's outputs are added
   */
  private static Set<Value> following(Graph segment, Set<String> names) {
    Set<Value> following = Collections.newSetFromMap(new IdentityHashMap<>());
    for (Value node : segment.nodes()) {
      boolean begins = node.op() instanceof Op.Input input && names.contains(input.name());
      if (begins || node.inputs().stream().anyMatch(following::contains)) {
        following.add(node);
      }
    }
    segment
        .outputs()
        .forEach(
            (name, value) -> {
              if (following.contains(value)) {
                names.add(name);
              } else {
                names.remove(name);
              }
            });
    return following;
  }

  boolean contains(Value node) {
    return products.contains(node);
  }

  /** What linear layers and convolutions among them multiply by, and nothing else reads. */
  Set<String> weights() {
    return Collections.unmodifiableSet(weights);
  }
}
