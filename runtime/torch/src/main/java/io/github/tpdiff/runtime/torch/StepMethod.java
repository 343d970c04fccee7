package io.github.tpdiff.runtime.torch;

import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.graph.Value;
import io.github.tpdiff.runtime.torch.GradientPaths.Version;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.StringJoiner;

/**
 * Writes the method that runs all segments with autograd and takes the gradients of the mean
 * squared error, from the list of a program's inputs, weights, constants and the target to that of
 * the output and the trained weights' gradients.
 */
final class StepMethod {
  private final GradientPaths paths;
  private final List<Segment> segments;
  private final List<String> inputs;
  private final List<String> weights;
  private final List<Value> constants = new ArrayList<>();

  StepMethod(GradientPaths paths, List<Segment> segments) {
    Program program = paths.program();
    this.paths = paths;
    this.segments = List.copyOf(segments);
    this.inputs = List.copyOf(program.inputs().keySet());
    this.weights = List.copyOf(program.weights().keySet());
    segments.forEach(segment -> constants.addAll(segment.constants()));
  }

  List<String> inputs() {
    return inputs;
  }

  List<String> weights() {
    return weights;
  }

  List<Value> constants() {
    return List.copyOf(constants);
  }

  /** The method's body, indented. */
  String body() {
    var text = new StringBuilder();
    var leaves = new LinkedHashMap<String, String>();
    for (String name : paths.trained()) {
      String leaf = "w" + leaves.size();
      line(text, leaf + " = " + GradientMethod.leaf(given(weightIndex(name))));
      leaves.put(name, leaf);
    }
    var values = new HashMap<Version, String>();
    inputs.forEach(name -> values.put(new Version(name, -1), given(inputs.indexOf(name))));
    int constant = inputs.size() + weights.size();
    for (int i = 0; i < segments.size(); i++) {
      Segment segment = segments.get(i);
      var arguments = new StringJoiner(", ", "[", "]");
      for (String name : segment.inputs()) {
        arguments.add(Objects.requireNonNull(values.get(paths.source(i, name))));
      }
      segment
          .weights()
          .forEach(name -> arguments.add(leaves.getOrDefault(name, given(weightIndex(name)))));
      for (int c = 0; c < segment.constants().size(); c++) {
        arguments.add(given(constant++));
      }
      line(text, "y%s = (self).%s(%s, )".formatted(i, segment.method(), arguments));
      putOutputs(i, values);
    }
    String wanted = given(constant) + ", " + given(constant + 1);
    finish(text, Objects.requireNonNull(values.get(paths.output())), wanted, leaves);
    return text.toString();
  }

  private void putOutputs(int segment, Map<Version, String> values) {
    List<String> outputs = segments.get(segment).outputs();
    for (int k = 0; k < outputs.size(); k++) {
      values.put(new Version(outputs.get(k), segment), "y" + segment + "[" + k + "]");
    }
  }

  private static void finish(
      StringBuilder text, String output, String wanted, Map<String, String> leaves) {
    line(text, "p = " + output);
    line(text, "u = (self).mse_grad([torch.detach(p), " + wanted + "], )");
    var sources = new StringJoiner(", ", "[", "]");
    leaves.values().forEach(sources::add);
    line(
        text,
        "d = torch.grad([p], %s, annotate(List[Optional[Tensor]], [u[0]]))".formatted(sources));
    line(text, "return [torch.detach(p), " + GradientMethod.results(leaves.size()) + "]");
  }

  private int weightIndex(String name) {
    return inputs.size() + weights.indexOf(name);
  }

  private static String given(int index) {
    return "v[" + index + "]";
  }

  private static void line(StringBuilder text, String statement) {
    text.append("    ").append(statement).append('\n');
  }
}
