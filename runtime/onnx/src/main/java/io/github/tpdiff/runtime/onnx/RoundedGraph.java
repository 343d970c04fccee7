package io.github.tpdiff.runtime.onnx;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A graph with products in 16 bits as a device runs it that has no kernels for them: every 16-bit
 * value becomes the fp32 value that it is, rounded where it is made, and everything is computed in
 * fp32. That is what hardware with 16-bit products computes, whose sums are fp32, but for their
 * order.
 *
 * <p>ONNX Runtime on a CPU does the like for fp16, each weight converted beside its use and all of
 * them kept; for bf16 it does not. Only the operations of {@link ProgramLowering} are known here,
 * each of which has one output, and in 16 bits where its first input is.
 */
final class RoundedGraph {
  private static final Set<Integer> HALVES =
      Set.of(DataType.FLOAT16.getNumber(), DataType.BFLOAT16.getNumber());

  /** What gives numbers that its input has. */
  private static final Set<String> MOVEMENTS =
      Set.of("Identity", "Reshape", "Transpose", "Slice", "Concat");

  /** What does not give the type that it is given. */
  private static final Set<String> MEASURES = Set.of("Shape");

  /** The 16-bit values so far, with the type that they are rounded to. */
  private final Map<String, Integer> halves = new HashMap<>();

  /** Conversions of weights, which stay before all else. */
  private final List<NodeProto> front = new ArrayList<>();

  private final Map<String, String> weights = new HashMap<>();
  private final List<NodeProto> body = new ArrayList<>();

  private RoundedGraph() {}

  /** Whether a graph that was written here computes in 16 bits, beyond converting weights. */
  static boolean isNeeded(ModelProto model) {
    return model.getProducerName().equals(ProgramLowering.PRODUCER)
        && model.getGraph().getNodeList().stream()
            .anyMatch(
                node ->
                    node.getOpType().equals("Cast")
                        && HALVES.contains((int) attribute(node))
                        && !isInitializer(model.getGraph(), node.getInput(0)));
  }

  private static boolean isInitializer(GraphProto graph, String name) {
    return graph.getInitializerList().stream().anyMatch(t -> t.getName().equals(name));
  }

  private static long attribute(NodeProto cast) {
    return cast.getAttribute(0).getI();
  }

  /** The same model in fp32. */
  static ModelProto of(ModelProto model) {
    var rounded = new RoundedGraph();
    ModelProto.Builder result = model.toBuilder();
    GraphProto graph = model.getGraph();
    for (TensorProto weight : graph.getInitializerList()) {
      if (HALVES.contains(weight.getDataType())) {
        rounded.halves.put(weight.getName(), weight.getDataType());
        rounded.weights.put(weight.getName(), "");
      }
    }
    graph.getNodeList().forEach(rounded::add);
    result.getGraphBuilder().clearNode().addAllNode(rounded.front).addAllNode(rounded.body);
    return result.build();
  }

  private void add(NodeProto node) {
    if (node.getOpType().equals("Cast")) {
      addCast(node);
    } else if (node.getInputList().stream().noneMatch(halves::containsKey)) {
      body.add(node);
    } else {
      addInFp32(node);
    }
  }

  private void addCast(NodeProto cast) {
    String from = cast.getInput(0);
    int to = (int) attribute(cast);
    boolean ofWeight = weights.containsKey(from);
    if (HALVES.contains(to)) {
      round(ofWeight ? asFp32(from) : from, cast.getOutput(0), to, ofWeight ? front : body);
    } else if (ofWeight || !halves.containsKey(from)) {
      (ofWeight ? front : body).add(cast);
    } else {
      body.add(node("Identity", from, cast.getOutput(0)).build());
    }
  }

  private void addInFp32(NodeProto node) {
    NodeProto.Builder fp32 = node.toBuilder();
    int type = 0;
    for (int i = 0; i < node.getInputCount(); i++) {
      String input = node.getInput(i);
      if (halves.containsKey(input)) {
        type = halves.getOrDefault(input, type);
        fp32.setInput(i, asFp32(input));
      }
    }
    String output = node.getOutput(0);
    if (MEASURES.contains(node.getOpType())) {
      body.add(fp32.build());
    } else if (MOVEMENTS.contains(node.getOpType())) {
      body.add(fp32.build());
      halves.put(output, type);
    } else {
      String exact = output + ".exact";
      body.add(fp32.setName(exact).setOutput(0, exact).build());
      round(exact, output, type, body);
    }
  }

  /** The name of what is known in 16 bits by another: the same, but of weights. */
  private String asFp32(String half) {
    if (!weights.containsKey(half)) {
      return half;
    }
    return weights.compute(
        half,
        (weight, known) -> {
          if (known != null && !known.isEmpty()) {
            return known;
          }
          String name = weight + ".fp32";
          front.add(cast(weight, name, DataType.FLOAT.getNumber()));
          return name;
        });
  }

  private void round(String exact, String rounded, int type, List<NodeProto> nodes) {
    String half = rounded + ".half";
    nodes.add(cast(exact, half, type));
    nodes.add(cast(half, rounded, DataType.FLOAT.getNumber()));
    halves.put(rounded, type);
  }

  private static NodeProto cast(String from, String to, int type) {
    return node("Cast", from, to).addAttribute(Attributes.integer("to", type)).build();
  }

  private static NodeProto.Builder node(String type, String from, String to) {
    return NodeProto.newBuilder().setOpType(type).setName(to).addInput(from).addOutput(to);
  }
}
