package io.github.tpdiff.runtime.onnx;

import ai.onnx.proto.OnnxMl.AttributeProto;
import io.github.tpdiff.runtime.graph.Dim;
import io.github.tpdiff.runtime.graph.Op;
import io.github.tpdiff.runtime.graph.Shape;
import io.github.tpdiff.runtime.graph.Value;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;

/** Normalisations. */
final class NormRules {
  static final Map<Class<? extends Op>, Rule> TABLE =
      Map.of(
          Op.LayerNorm.class, NormRules::layerNorm,
          Op.RmsNorm.class, NormRules::rmsNorm,
          Op.GroupNorm.class, NormRules::groupNorm,
          Op.L2Normalize.class, NormRules::l2Normalize,
          Op.L2Norm.class, NormRules::l2Norm);

  private static final AttributeProto LAST_AXIS = Attributes.integer("axis", -1);

  private NormRules() {}

  private static String layerNorm(Value value, List<String> inputs, SegmentCode code) {
    var operands = new ArrayList<>(inputs);
    if (operands.size() == 1) {
      int width = Math.toIntExact(value.shape().dim(-1).value());
      operands.add(code.nodes().floats(Collections.nCopies(width, 1f), List.of((long) width)));
    }
    return code.nodes()
        .add(
            "LayerNormalization",
            operands,
            LAST_AXIS,
            Attributes.real("epsilon", ((Op.LayerNorm) value.op()).eps()));
  }

  private static String rmsNorm(Value value, List<String> inputs, SegmentCode code) {
    return code.nodes()
        .add(
            "RMSNormalization",
            inputs,
            LAST_AXIS,
            Attributes.real("epsilon", ((Op.RmsNorm) value.op()).eps()));
  }

  /** By way of one channel per group: GroupNormalization runs as some thirty nodes. */
  private static String groupNorm(Value value, List<String> inputs, SegmentCode code) {
    var norm = (Op.GroupNorm) value.op();
    NodeList nodes = code.nodes();
    Shape shape = value.shape();
    long groups = norm.groups();
    Dim positions = Dim.of(shape.dim(1).value() / groups);
    for (Dim dim : shape.dims().subList(2, shape.rank())) {
      positions = positions.times(dim);
    }
    Shape grouped = Shape.of(shape.dim(0), groups, positions);
    String normal =
        nodes.add(
            "InstanceNormalization",
            List.of(
                code.reshape(inputs.get(0), shape, grouped),
                nodes.floats(Collections.nCopies((int) groups, 1f), List.of(groups)),
                nodes.floats(Collections.nCopies((int) groups, 0f), List.of(groups))),
            Attributes.real("epsilon", norm.eps()));
    var perChannel = new ArrayList<>(Collections.nCopies(shape.rank() - 1, Dim.of(1)));
    perChannel.set(0, shape.dim(1));
    Shape channels = Shape.of(shape.dim(1));
    String weight = code.reshape(inputs.get(1), channels, new Shape(perChannel));
    String bias = code.reshape(inputs.get(2), channels, new Shape(perChannel));
    String scaled = nodes.add("Mul", List.of(code.reshape(normal, grouped, shape), weight));
    return nodes.add("Add", List.of(scaled, bias));
  }

  /** Spelt out: LpNormalization has no lower bound for the norm. */
  private static String l2Normalize(Value value, List<String> inputs, SegmentCode code) {
    NodeList nodes = code.nodes();
    String norm = reduced(((Op.L2Normalize) value.op()).axis(), inputs, nodes);
    String divisor = nodes.add("Max", List.of(norm, nodes.scalar(1e-12)));
    return nodes.add("Div", List.of(inputs.get(0), divisor));
  }

  private static String l2Norm(Value value, List<String> inputs, SegmentCode code) {
    return reduced(((Op.L2Norm) value.op()).axis(), inputs, code.nodes());
  }

  private static String reduced(long axis, List<String> inputs, NodeList nodes) {
    String axes = nodes.longs(List.of(axis), List.of(1L));
    return nodes.add("ReduceL2", List.of(inputs.get(0), axes));
  }
}
