package io.github.tpdiff.runtime.onnx;

import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import io.github.tpdiff.runtime.graph.Dim;
import io.github.tpdiff.runtime.graph.ElementType;
import io.github.tpdiff.runtime.graph.GraphException;
import io.github.tpdiff.runtime.graph.Op;
import io.github.tpdiff.runtime.graph.Shape;
import io.github.tpdiff.runtime.graph.Value;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** One rule for each operation; weights are resolved before the rules are asked. */
final class Rules {
  private static final Map<Class<? extends Op>, Rule> ALL = table();

  private Rules() {}

  private static Map<Class<? extends Op>, Rule> table() {
    var rules = new HashMap<Class<? extends Op>, Rule>(ContractionRules.TABLE);
    rules.putAll(NormRules.TABLE);
    rules.put(Op.Input.class, (v, in, code) -> code.input(((Op.Input) v.op()).name()));
    rules.put(Op.FloatConstant.class, Rules::floatConstant);
    rules.put(Op.LongConstant.class, Rules::longConstant);
    rules.put(Op.Binary.class, Rules::binary);
    rules.put(Op.Unary.class, Rules::unary);
    rules.put(Op.Clamp.class, Rules::clamp);
    rules.put(Op.Detach.class, (v, in, code) -> code.nodes().add("Identity", in));
    rules.put(Op.Dropout.class, Rules::dropout);
    rules.put(Op.Reshape.class, (v, in, code) -> code.reshape(in.get(0), shape(v, 0), v.shape()));
    rules.put(Op.Transpose.class, Rules::transpose);
    rules.put(Op.Concat.class, Rules::concat);
    rules.put(Op.Slice.class, Rules::slice);
    rules.put(Op.Pad.class, Rules::pad);
    rules.put(Op.Repeat.class, Rules::repeat);
    rules.put(Op.Expand.class, (v, in, code) -> code.expand(in.get(0), shape(v, 0), v.shape()));
    rules.put(
        Op.Gather.class,
        (v, in, code) -> code.nodes().add("Gather", in, Attributes.integer("axis", 0)));
    rules.put(Op.ArgMax.class, Rules::argMax);
    rules.put(Op.Arange.class, Rules::arange);
    rules.put(Op.Cast.class, Rules::cast);
    return Map.copyOf(rules);
  }

  /** The operations that have a rule. */
  static java.util.Set<Class<? extends Op>> covered() {
    return ALL.keySet();
  }

  static String write(Value value, List<String> inputs, SegmentCode code) {
    Rule rule = ALL.get(value.op().getClass());
    if (rule == null) {
      throw new IllegalStateException("no ONNX rule for " + value.op());
    }
    return rule.write(value, inputs, code);
  }

  static Shape shape(Value value, int input) {
    return value.inputs().get(input).shape();
  }

  private static List<Long> fixed(Shape shape) {
    return shape.dims().stream().map(Dim::value).toList();
  }

  private static String floatConstant(Value value, List<String> inputs, SegmentCode code) {
    return code.nodes().floats(((Op.FloatConstant) value.op()).values(), fixed(value.shape()));
  }

  private static String longConstant(Value value, List<String> inputs, SegmentCode code) {
    return code.nodes().longs(((Op.LongConstant) value.op()).values(), fixed(value.shape()));
  }

  private static String binary(Value value, List<String> inputs, SegmentCode code) {
    String type =
        switch (((Op.Binary) value.op()).kind()) {
          case ADD -> "Add";
          case SUB -> "Sub";
          case MUL -> "Mul";
          case DIV -> "Div";
        };
    return code.nodes().add(type, inputs);
  }

  private static String dropout(Value value, List<String> inputs, SegmentCode code) {
    throw new GraphException("dropout: is for training alone; export the network without it");
  }

  private static String unary(Value value, List<String> inputs, SegmentCode code) {
    NodeList nodes = code.nodes();
    return switch (((Op.Unary) value.op()).kind()) {
      case GELU_TANH -> nodes.add("Gelu", inputs, Attributes.text("approximate", "tanh"));
      case GELU_ERF -> nodes.add("Gelu", inputs, Attributes.text("approximate", "none"));
      case QUICK_GELU -> quickGelu(inputs, code);
      case SILU -> nodes.add("Mul", List.of(inputs.get(0), nodes.add("Sigmoid", inputs)));
      case SIGMOID -> nodes.add("Sigmoid", inputs);
      case TANH -> nodes.add("Tanh", inputs);
      case EXP -> nodes.add("Exp", inputs);
      case SQRT -> nodes.add("Sqrt", inputs);
      case SIN -> nodes.add("Sin", inputs);
      case COS -> nodes.add("Cos", inputs);
    };
  }

  private static String quickGelu(List<String> inputs, SegmentCode code) {
    NodeList nodes = code.nodes();
    if (code.form().fused()) {
      return nodes.contrib("QuickGelu", inputs, Attributes.real("alpha", 1.702));
    }
    String steeper = nodes.add("Mul", List.of(inputs.get(0), nodes.scalar(1.702)));
    return nodes.add("Mul", List.of(inputs.get(0), nodes.add("Sigmoid", List.of(steeper))));
  }

  private static String clamp(Value value, List<String> inputs, SegmentCode code) {
    var limits = (Op.Clamp) value.op();
    NodeList nodes = code.nodes();
    return nodes.add(
        "Clip", List.of(inputs.get(0), nodes.scalar(limits.min()), nodes.scalar(limits.max())));
  }

  private static String transpose(Value value, List<String> inputs, SegmentCode code) {
    var permutation = ((Op.Transpose) value.op()).permutation();
    return code.nodes().add("Transpose", inputs, Attributes.integers("perm", permutation));
  }

  private static String concat(Value value, List<String> inputs, SegmentCode code) {
    return code.nodes()
        .add("Concat", inputs, Attributes.integer("axis", ((Op.Concat) value.op()).axis()));
  }

  private static String slice(Value value, List<String> inputs, SegmentCode code) {
    var slice = (Op.Slice) value.op();
    boolean toTheEnd = slice.to().equals(shape(value, 0).dim(slice.axis()));
    Dim end = toTheEnd ? Dim.of(Long.MAX_VALUE) : slice.to();
    return code.nodes()
        .add(
            "Slice",
            List.of(
                inputs.get(0),
                code.extent(slice.from()),
                code.extent(end),
                code.extent(Dim.of(slice.axis()))));
  }

  private static String pad(Value value, List<String> inputs, SegmentCode code) {
    var pad = (Op.Pad) value.op();
    var amounts = new ArrayList<Dim>();
    pad.before().forEach(amount -> amounts.add(Dim.of(amount)));
    pad.after().forEach(amount -> amounts.add(Dim.of(amount)));
    return code.nodes().add("Pad", List.of(inputs.get(0), code.vector(amounts)));
  }

  private static String repeat(Value value, List<String> inputs, SegmentCode code) {
    var scales = ((Op.Repeat) value.op()).factors().stream().map(Integer::floatValue).toList();
    String factors = code.nodes().floats(scales, List.of((long) scales.size()));
    return code.nodes()
        .add(
            "Resize",
            List.of(inputs.get(0), "", factors),
            Attributes.text("mode", "nearest"),
            Attributes.text("coordinate_transformation_mode", "asymmetric"),
            Attributes.text("nearest_mode", "floor"));
  }

  private static String argMax(Value value, List<String> inputs, SegmentCode code) {
    return code.nodes()
        .add("ArgMax", inputs, Attributes.integer("axis", -1), Attributes.integer("keepdims", 0));
  }

  private static String arange(Value value, List<String> inputs, SegmentCode code) {
    NodeList nodes = code.nodes();
    String count =
        nodes.add(
            "Reshape",
            List.of(
                code.extent(((Op.Arange) value.op()).count()),
                nodes.longs(List.of(), List.of(0L))));
    return nodes.add(
        "Range",
        List.of(nodes.longs(List.of(0L), List.of()), count, nodes.longs(List.of(1L), List.of())));
  }

  private static String cast(Value value, List<String> inputs, SegmentCode code) {
    DataType type =
        ((Op.Cast) value.op()).type() == ElementType.F32 ? DataType.FLOAT : DataType.INT64;
    return code.nodes().add("Cast", inputs, Attributes.integer("to", type.getNumber()));
  }
}
