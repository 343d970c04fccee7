package io.github.tpdiff.runtime.reference;

import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.engine.Executable;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.GraphException;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.graph.Value;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSource;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Interprets programs with nested loops over doubles, rounding only what it gives back to fp32: the
 * values that an exact engine would give. For tests and small sizes; it is slow.
 */
public final class ReferenceEngine implements Engine {
  @Override
  public String description() {
    return "reference: plain Java in double precision, slow";
  }

  @Override
  public Executable load(Program program, TensorSource weights) {
    var values = new HashMap<String, NumberArray>();
    program.weights().forEach((name, value) -> values.put(name, read(name, value, weights)));
    return new Interpreted(program, values, Map.of());
  }

  private static NumberArray read(String name, Value value, TensorSource weights) {
    TensorInfo info = weights.require(name);
    long[] expected = value.shape().evaluate(Map.of());
    if (!List.of(Arrays.stream(expected).boxed().toArray(Long[]::new)).equals(info.shape())) {
      throw new CheckpointException(
          "%s: expected %s, found %s".formatted(name, value.shape(), info.shape()));
    }
    return NumberArray.of(weights.floats(name), expected);
  }

  @Override
  public void close() {}

  private record Interpreted(
      Program program, Map<String, NumberArray> weights, Map<String, Tensor> fixed)
      implements Executable {
    @Override
    public List<String> inputNames() {
      return program.inputs().keySet().stream().filter(n -> !fixed.containsKey(n)).toList();
    }

    @Override
    public List<String> outputNames() {
      return program.outputs();
    }

    @Override
    public Map<String, Tensor> run(Map<String, Tensor> inputs) {
      var named = new HashMap<String, NumberArray>();
      program.inputs().forEach((name, value) -> named.put(name, input(name, value, inputs)));
      for (int i = 0; i < program.segments().size(); i++) {
        Graph segment = program.segments().get(i);
        var shapes = new HashMap<String, long[]>();
        named.forEach((name, array) -> shapes.put(name, longs(array.shape())));
        var interpreter =
            new Interpreter(
                name -> Objects.requireNonNull(named.get(name)),
                name -> Objects.requireNonNull(weights.get(name)),
                segment.bind(shapes));
        named.putAll(interpreter.outputs(segment));
        named.keySet().removeAll(program.deadAfter(i));
      }
      var outputs = new LinkedHashMap<String, Tensor>();
      program
          .outputs()
          .forEach(name -> outputs.put(name, Objects.requireNonNull(named.get(name)).toTensor()));
      return outputs;
    }

    private NumberArray input(String name, Value value, Map<String, Tensor> inputs) {
      Tensor tensor = inputs.getOrDefault(name, fixed.get(name));
      if (tensor == null) {
        throw new GraphException(program.name() + ": input " + name + " is missing");
      }
      if (tensor.type() != value.type()) {
        throw new GraphException(
            "%s: input %s: expected %s, found %s"
                .formatted(program.name(), name, value.type(), tensor.type()));
      }
      return NumberArray.of(tensor);
    }

    private static long[] longs(int[] shape) {
      return Arrays.stream(shape).asLongStream().toArray();
    }

    @Override
    public Executable bind(Map<String, Tensor> more) {
      var all = new HashMap<>(fixed);
      all.putAll(more);
      return new Interpreted(program, weights, Map.copyOf(all));
    }

    @Override
    public void close() {}
  }
}
