package io.github.tpdiff.runtime.onnx;

import ai.onnx.proto.OnnxMl.AttributeProto;
import io.github.tpdiff.runtime.graph.Op;
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
          Op.L2Normalize.class, NormRules::l2Normalize);

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

  /** Spelt out: LpNormalization has no lower bound for the norm. */
  private static String l2Normalize(Value value, List<String> inputs, SegmentCode code) {
    NodeList nodes = code.nodes();
    long axis = ((Op.L2Normalize) value.op()).axis();
    String axes = nodes.longs(List.of(axis), List.of(1L));
    String norm = nodes.add("ReduceL2", List.of(inputs.get(0), axes));
    String divisor = nodes.add("Max", List.of(norm, nodes.scalar(1e-12)));
    return nodes.add("Div", List.of(inputs.get(0), divisor));
  }
}
