package io.github.tpdiff.runtime.onnx;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import io.github.tpdiff.runtime.graph.Dim;
import io.github.tpdiff.runtime.graph.Op;
import io.github.tpdiff.runtime.graph.Shape;
import io.github.tpdiff.runtime.graph.Value;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Linear layers, convolutions and attention. */
final class ContractionRules {
  static final Map<Class<? extends Op>, Rule> TABLE =
      Map.of(
          Op.Linear.class, ContractionRules::linear,
          Op.Conv.class, ContractionRules::conv,
          Op.Attention.class, ContractionRules::attention,
          Op.Rotary.class, ContractionRules::rotary);

  private ContractionRules() {}

  /** As Gemm, which reads the weight as the checkpoint stores it; Gemm takes matrices only. */
  private static String linear(Value value, List<String> inputs, SegmentCode code) {
    Shape shape = Rules.shape(value, 0);
    Dim rows = Dim.of(1);
    for (Dim dim : shape.dims().subList(0, shape.rank() - 1)) {
      rows = rows.times(dim);
    }
    var operands = new ArrayList<>(inputs);
    boolean matrix = shape.rank() == 2;
    if (!matrix) {
      Dim[] any = {Dim.of(-1), shape.dim(-1)};
      operands.set(
          0, code.nodes().add("Reshape", List.of(inputs.get(0), code.vector(List.of(any)))));
    }
    String product = code.nodes().add("Gemm", operands, Attributes.integer("transB", 1));
    return matrix
        ? product
        : code.reshape(product, Shape.of(rows, value.shape().dim(-1)), value.shape());
  }

  private static String conv(Value value, List<String> inputs, SegmentCode code) {
    var conv = (Op.Conv) value.op();
    var pads = new ArrayList<>(conv.padBefore());
    pads.addAll(conv.padAfter());
    var weight = Rules.shape(value, 1).dims();
    var kernel = weight.subList(2, weight.size()).stream().map(Dim::value).toList();
    return code.nodes()
        .add(
            "Conv",
            inputs,
            Attributes.integers("kernel_shape", kernel),
            Attributes.integers("strides", conv.strides()),
            Attributes.integers("pads", pads));
  }

  private static String attention(Value value, List<String> inputs, SegmentCode code) {
    var attention = (Op.Attention) value.op();
    if (inputs.size() > 3 && KeyBias.has(Rules.shape(value, 3))) {
      return attention(attention, KeyBias.fold(value, inputs, code), code);
    }
    var operands = new ArrayList<>(inputs);
    if (inputs.size() > 3) {
      operands.set(3, bias(value, inputs, code));
    }
    return attention(attention, operands, code);
  }

  /**
   * @param operands queries, keys, values, and a bias in full if there is one
   */
  private static String attention(Op.Attention attention, List<String> operands, SegmentCode code) {
    AttributeProto scale = Attributes.real("scale", attention.scale());
    if (code.form().fused()) {
      var placed = new ArrayList<>(operands);
      if (operands.size() > 3) {
        placed.addAll(3, List.of("", ""));
      }
      return code.nodes()
          .contrib(
              "MultiHeadAttention",
              placed,
              Attributes.integer("num_heads", attention.heads()),
              scale);
    }
    var attributes = new ArrayList<AttributeProto>();
    attributes.add(Attributes.integer("q_num_heads", attention.heads()));
    attributes.add(Attributes.integer("kv_num_heads", attention.heads()));
    attributes.add(scale);
    if (code.form().isMixed()) {
      attributes.add(Attributes.integer("softmax_precision", DataType.FLOAT.getNumber()));
    }
    return code.nodes().add("Attention", operands, attributes.toArray(AttributeProto[]::new));
  }

  /** The bias with its last two axes in full: both operators broadcast only the first two. */
  private static String bias(Value value, List<String> inputs, SegmentCode code) {
    Shape bias = Rules.shape(value, 3);
    Shape full =
        Shape.of(
            bias.dim(0), bias.dim(1), Rules.shape(value, 0).dim(1), Rules.shape(value, 1).dim(1));
    return code.expand(inputs.get(3), bias, full);
  }

  private static String rotary(Value value, List<String> inputs, SegmentCode code) {
    NodeList nodes = code.nodes();
    AttributeProto heads = Attributes.integer("num_heads", ((Op.Rotary) value.op()).heads());
    AttributeProto interleaved = Attributes.integer("interleaved", 1);
    if (code.form().fused()) {
      String first = nodes.longs(List.of(0L), List.of(1L));
      return nodes.contrib(
          "RotaryEmbedding",
          List.of(inputs.get(0), first, inputs.get(1), inputs.get(2)),
          heads,
          interleaved);
    }
    Dim tokens = value.shape().dim(1);
    String rows = Rules.write(Value.arange(tokens), List.of(), code);
    String positions = code.expand(rows, Shape.of(tokens), Shape.of(value.shape().dim(0), tokens));
    return nodes.add(
        "RotaryEmbedding",
        List.of(inputs.get(0), inputs.get(1), inputs.get(2), positions),
        heads,
        interleaved);
  }
}
