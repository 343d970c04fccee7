package io.github.tpdiff.runtime.reference;

import io.github.tpdiff.runtime.graph.ElementType;
import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.Op;
import io.github.tpdiff.runtime.graph.Value;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;

/** Evaluates one segment node by node: one rule per operation. */
final class Interpreter {
  private final Function<String, NumberArray> inputs;
  private final Function<String, NumberArray> weights;
  private final Map<String, Long> binding;

  Interpreter(
      Function<String, NumberArray> inputs,
      Function<String, NumberArray> weights,
      Map<String, Long> binding) {
    this.inputs = inputs;
    this.weights = weights;
    this.binding = binding;
  }

  Map<String, NumberArray> outputs(Graph segment) {
    var results = new IdentityHashMap<Value, NumberArray>();
    for (Value node : segment.nodes()) {
      var arguments = node.inputs().stream().map(i -> require(results, i)).toList();
      int[] shape = NumberArray.ints(node.shape().evaluate(binding));
      results.put(node, evaluate(node.op(), arguments, shape));
    }
    var outputs = new LinkedHashMap<String, NumberArray>();
    segment.outputs().forEach((name, value) -> outputs.put(name, require(results, value)));
    return outputs;
  }

  private static NumberArray require(Map<Value, NumberArray> results, Value value) {
    return Objects.requireNonNull(results.get(value));
  }

  private NumberArray evaluate(Op op, List<NumberArray> in, int[] shape) {
    if (op instanceof Op.Input input) {
      return inputs.apply(input.name());
    } else if (op instanceof Op.Weight weight) {
      return weights.apply(weight.name());
    } else if (op instanceof Op.FloatConstant constant) {
      return NumberArray.real(
          shape, constant.values().stream().mapToDouble(Float::doubleValue).toArray());
    } else if (op instanceof Op.LongConstant constant) {
      return indices(shape, constant.values().stream().mapToDouble(Long::doubleValue).toArray());
    } else if (op instanceof Op.Arange) {
      return NumberArray.fill(ElementType.I64, shape, i -> i[0]);
    } else if (op instanceof Op.Linear) {
      return Contractions.linear(in, shape);
    } else if (op instanceof Op.Conv conv) {
      return Contractions.conv(conv, in, shape);
    } else if (op instanceof Op.Attention attention) {
      return Contractions.attention(attention, in, shape);
    } else if (op instanceof Op.Rotary rotary) {
      return Contractions.rotary(rotary, in, shape);
    } else if (op instanceof Op.LayerNorm norm) {
      return Pointwise.layerNorm(norm, in);
    } else if (op instanceof Op.RmsNorm norm) {
      return Pointwise.rmsNorm(norm, in);
    } else if (op instanceof Op.GroupNorm norm) {
      return Pointwise.groupNorm(norm, in);
    } else if (op instanceof Op.L2Normalize norm) {
      return Pointwise.l2Normalize(norm, in.get(0));
    } else if (op instanceof Op.L2Norm norm) {
      return Pointwise.l2Norm(norm, in.get(0), shape);
    } else if (op instanceof Op.Detach) {
      return in.get(0);
    } else if (op instanceof Op.Dropout dropout) {
      return Pointwise.dropout(dropout.share(), in);
    } else if (op instanceof Op.Binary binary) {
      return Pointwise.binary(binary.kind(), in, shape);
    } else if (op instanceof Op.Unary unary) {
      return Pointwise.map(in.get(0), Pointwise.function(unary.kind()));
    } else if (op instanceof Op.Clamp clamp) {
      return Pointwise.map(in.get(0), x -> Math.max(clamp.min(), Math.min(clamp.max(), x)));
    } else if (op instanceof Op.Cast cast) {
      return Pointwise.cast(in.get(0), cast.type());
    } else if (op instanceof Op.ArgMax) {
      return Layouts.argMax(in.get(0), shape);
    }
    return moved(op, in, shape);
  }

  private NumberArray moved(Op op, List<NumberArray> in, int[] shape) {
    NumberArray x = in.get(0);
    if (op instanceof Op.Reshape) {
      return new NumberArray(x.type(), shape, x.values());
    } else if (op instanceof Op.Transpose transpose) {
      return Layouts.transpose(transpose, x, shape);
    } else if (op instanceof Op.Concat concat) {
      return Layouts.concat(concat, in, shape);
    } else if (op instanceof Op.Slice slice) {
      return Layouts.slice(slice.axis(), Math.toIntExact(slice.from().evaluate(binding)), x, shape);
    } else if (op instanceof Op.Pad pad) {
      return Layouts.pad(pad, x, shape);
    } else if (op instanceof Op.Repeat repeat) {
      return Layouts.repeat(repeat, x, shape);
    } else if (op instanceof Op.Expand) {
      return NumberArray.fill(x.type(), shape, x::broadcastAt);
    } else if (op instanceof Op.Gather) {
      return Layouts.gather(x, in.get(1), shape);
    }
    throw new IllegalArgumentException("no rule for " + op);
  }

  private static NumberArray indices(int[] shape, double[] values) {
    return new NumberArray(ElementType.I64, shape, values);
  }
}
