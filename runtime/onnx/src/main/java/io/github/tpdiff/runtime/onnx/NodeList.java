package io.github.tpdiff.runtime.onnx;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import com.google.protobuf.ByteString;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Nodes and constants of a graph being written; gives every value a name used once. */
final class NodeList {
  /** Domain of ONNX Runtime's own operators. */
  static final String CONTRIB = "com.microsoft";

  private final Set<String> names = new HashSet<>();
  private final Map<String, Integer> nextNumber = new HashMap<>();
  private final List<NodeProto> front = new ArrayList<>();
  private final List<NodeProto> body = new ArrayList<>();
  private final List<TensorProto> initializers = new ArrayList<>();
  private final Map<List<Object>, String> constants = new HashMap<>();
  private String prefix = "";

  /** What the names of the nodes that follow start with. */
  void startSegment(String name) {
    prefix = unique(name) + "/";
  }

  /** Claims a name that must appear exactly as it is. */
  void reserve(String name) {
    if (!names.add(name)) {
      throw new IllegalArgumentException("name " + name + " is used twice in one ONNX graph");
    }
  }

  /** {@code wanted}, or with a number if it is taken. */
  String unique(String wanted) {
    String name = wanted;
    while (!names.add(name)) {
      name = wanted + "." + nextNumber.merge(wanted, 1, Integer::sum);
    }
    return name;
  }

  /** Adds a standard node with one output and returns its name. */
  String add(String type, List<String> inputs, AttributeProto... attributes) {
    return append("", type, inputs, attributes);
  }

  /** Adds a node of ONNX Runtime's own domain. */
  String contrib(String type, List<String> inputs, AttributeProto... attributes) {
    return append(CONTRIB, type, inputs, attributes);
  }

  private String append(
      String domain, String type, List<String> inputs, AttributeProto... attributes) {
    String output = unique(prefix + type);
    body.add(node(type, inputs, output, attributes).setDomain(domain).build());
    return output;
  }

  /**
   * Adds a node before all others. What converts weights goes here: there the runtime holds one
   * converted weight at a time instead of all of them.
   */
  void addFirst(String type, List<String> inputs, String output, AttributeProto... attributes) {
    front.add(node(type, inputs, output, attributes).build());
  }

  /** Gives a value a second, reserved name. */
  void alias(String value, String reserved) {
    body.add(node("Identity", List.of(value), reserved).build());
  }

  private static NodeProto.Builder node(
      String type, List<String> inputs, String output, AttributeProto... attributes) {
    return NodeProto.newBuilder()
        .setOpType(type)
        .setName(output)
        .addAllInput(inputs)
        .addOutput(output)
        .addAllAttribute(List.of(attributes));
  }

  void initializer(TensorProto tensor) {
    initializers.add(tensor);
  }

  /** A constant of 64-bit integers; equal ones are stored once. */
  String longs(List<Long> values, List<Long> shape) {
    return constants.computeIfAbsent(
        List.of("i64", values, shape),
        key -> {
          var bytes = buffer(values.size() * Long.BYTES);
          values.forEach(bytes::putLong);
          return constant(TensorProto.DataType.INT64, shape, bytes);
        });
  }

  /** A constant of fp32 numbers; equal ones are stored once. */
  String floats(List<Float> values, List<Long> shape) {
    return constants.computeIfAbsent(
        List.of("f32", values, shape),
        key -> {
          var bytes = buffer(values.size() * Float.BYTES);
          values.forEach(bytes::putFloat);
          return constant(TensorProto.DataType.FLOAT, shape, bytes);
        });
  }

  String scalar(double value) {
    return floats(List.of((float) value), List.of());
  }

  private static ByteBuffer buffer(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  private String constant(TensorProto.DataType type, List<Long> shape, ByteBuffer bytes) {
    String name = unique("constant");
    initializers.add(
        TensorProto.newBuilder()
            .setName(name)
            .setDataType(type.getNumber())
            .addAllDims(shape)
            .setRawData(ByteString.copyFrom(bytes.flip()))
            .build());
    return name;
  }

  void addTo(GraphProto.Builder graph) {
    graph.addAllNode(front).addAllNode(body).addAllInitializer(initializers);
  }
}
