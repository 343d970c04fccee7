package io.github.tpdiff.runtime.torch;

import io.github.tpdiff.runtime.graph.Value;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * The gradients of a method on its way back, by variable, and which of them nothing else reads, so
 * that what comes to them may be computed in their memory.
 */
final class GradientSums {
  private final MethodWriter at;
  private final Map<Value, String> gradientOf = new HashMap<>();
  private final Set<String> own = new HashSet<>();

  /** Of these, results of products, which are dense. */
  private final Set<String> ofProducts = new HashSet<>();

  GradientSums(MethodWriter at) {
    this.at = at;
  }

  boolean has(Value value) {
    return gradientOf.containsKey(value);
  }

  String of(Value value) {
    return Objects.requireNonNull(gradientOf.get(value));
  }

  /** Adds a gradient to a value's. */
  void add(Value value, String gradient) {
    String before = gradientOf.get(value);
    if (before == null) {
      gradientOf.put(value, gradient);
    } else if (own.contains(before)) {
      at.line("%s = torch.add_(%s, %s)".formatted(before, before, gradient));
    } else if (own.contains(gradient)) {
      at.line("%s = torch.add_(%s, %s)".formatted(gradient, gradient, before));
      gradientOf.put(value, gradient);
    } else {
      gradientOf.put(value, own("torch.add(%s, %s)".formatted(before, gradient)));
    }
  }

  /**
   * Adds the product of two matrices to a value's gradient.
   *
   * @param left of the gradient's rows
   */
  void addProduct(Value value, String left, String right) {
    String before = gradientOf.get(value);
    if (before != null && ofProducts.contains(before) && at.computesInFp32()) {
      at.line(
          "%s = torch.view(torch.addmm_(%s, %s, %s), %s)"
              .formatted(before, at.rows(before, value), left, right, at.shape(value.shape())));
      return;
    }
    String product = at.product("torch.matmul(%s, %s)".formatted(left, right));
    String gradient = own("torch.reshape(%s, %s)".formatted(product, at.shape(value.shape())));
    ofProducts.add(gradient);
    add(value, gradient);
  }

  /** A variable that nothing else reads, with a value. */
  String own(String expression) {
    String gradient = at.fresh("g");
    own.add(gradient);
    at.line(gradient + " = " + expression);
    return gradient;
  }

  /** From here on several values' gradients are this one. */
  void share(String gradient) {
    own.remove(gradient);
    ofProducts.remove(gradient);
  }

  /** A gradient times a factor; the gradient itself is not read again. */
  String times(String gradient, String factor) {
    if (own.contains(gradient)) {
      at.line("%s = torch.mul_(%s, %s)".formatted(gradient, gradient, factor));
      return gradient;
    }
    return own("torch.mul(%s, %s)".formatted(gradient, factor));
  }
}
