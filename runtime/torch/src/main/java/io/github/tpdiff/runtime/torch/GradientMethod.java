package io.github.tpdiff.runtime.torch;

import java.util.ArrayList;
import java.util.List;
import java.util.StringJoiner;

/**
 * Writes the method that runs a segment again with autograd and returns its gradients.
 *
 * <p>Its list is that of the segment's own method followed by the gradients of the outputs. Nothing
 * of the recorded graph outlives the call.
 */
final class GradientMethod {
  private GradientMethod() {}

  static String body(Segment segment, GradientPaths.SegmentGradients gradients) {
    var wanted = new ArrayList<Integer>();
    gradients.inputs().forEach(name -> wanted.add(segment.inputs().indexOf(name)));
    gradients
        .weights()
        .forEach(name -> wanted.add(segment.inputs().size() + segment.weights().indexOf(name)));
    int count = segment.argumentCount();
    var arguments = new StringJoiner(", ", "[", "]");
    for (int i = 0; i < count; i++) {
      arguments.add(wanted.contains(i) ? leaf("v[" + i + "]") : "v[" + i + "]");
    }
    var outputs = new StringJoiner(", ", "[", "]");
    var upstream = new StringJoiner(", ", "annotate(List[Optional[Tensor]], [", "])");
    for (int i = 0; i < gradients.outputs().size(); i++) {
      outputs.add("y[" + segment.outputs().indexOf(gradients.outputs().get(i)) + "]");
      upstream.add("v[" + (count + i) + "]");
    }
    return String.join(
        "\n",
        List.of(
            "    u = " + arguments,
            "    y = (self)." + segment.method() + "(u, )",
            "    d = torch.grad(%s, %s, %s)".formatted(outputs, list("u[%s]", wanted), upstream),
            "    return [" + results(wanted.size()) + "]",
            ""));
  }

  private static String list(String element, List<Integer> indices) {
    var list = new StringJoiner(", ", "[", "]");
    indices.forEach(i -> list.add(element.formatted(i)));
    return list.toString();
  }

  /** The expression of a value whose gradient is asked for. */
  static String leaf(String value) {
    return "torch.requires_grad_(torch.detach(" + value + "), True)";
  }

  /** The elements of {@code d}, which {@code torch.grad} gave, each there. */
  static String results(int count) {
    var list = new StringJoiner(", ");
    for (int i = 0; i < count; i++) {
      list.add("torch._unwrap_optional(d[" + i + "])");
    }
    return list.toString();
  }
}
