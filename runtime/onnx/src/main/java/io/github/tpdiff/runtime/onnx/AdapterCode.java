package io.github.tpdiff.runtime.onnx;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorShapeProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import com.google.protobuf.ByteString;
import io.github.tpdiff.runtime.graph.Dim;
import io.github.tpdiff.runtime.graph.Op;
import io.github.tpdiff.runtime.graph.Shape;
import io.github.tpdiff.runtime.graph.Value;
import io.github.tpdiff.weights.DType;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** Writes into a graph what LoRAs can change of it. */
record AdapterCode(NodeList nodes, Numbers numbers, Adaptable adaptable) {
  /** Adds the inputs and their defaults. */
  void declare(GraphProto.Builder graph, Map<String, Value> weights) {
    adaptable
        .layers()
        .forEach(
            (name, weight) -> {
              long out = weight.shape().dim(0).value();
              long in = weight.shape().dim(1).value();
              TensorShapeProto.Dimension rank =
                  TensorShapeProto.Dimension.newBuilder().setDimParam(Adaptable.rank(name)).build();
              empty(graph, Adaptable.loraA(name), List.of(rank, fixed(in)));
              empty(graph, Adaptable.loraB(name), List.of(fixed(out), rank));
            });
    for (String tensor : adaptable.tensors()) {
      List<TensorShapeProto.Dimension> shape =
          Objects.requireNonNull(weights.get(tensor)).shape().dims().stream()
              .map(dim -> fixed(dim.value()))
              .toList();
      graph.addInput(input(tensor, shape));
    }
  }

  /** An input that is of rank 0 unless it is given. */
  private void empty(
      GraphProto.Builder graph, String name, List<TensorShapeProto.Dimension> shape) {
    nodes.reserve(name);
    graph.addInput(input(name, shape));
    var tensor =
        TensorProto.newBuilder()
            .setName(name)
            .setDataType(TensorProto.DataType.FLOAT.getNumber())
            .setRawData(ByteString.EMPTY);
    shape.forEach(dim -> tensor.addDims(dim.getDimValue()));
    nodes.initializer(tensor.build());
  }

  private static TensorShapeProto.Dimension fixed(long extent) {
    return TensorShapeProto.Dimension.newBuilder().setDimValue(extent).build();
  }

  private static ValueInfoProto input(String name, List<TensorShapeProto.Dimension> shape) {
    return ValueInfoProto.newBuilder()
        .setName(name)
        .setType(
            TypeProto.newBuilder()
                .setTensorType(
                    TypeProto.Tensor.newBuilder()
                        .setElemType(TensorProto.DataType.FLOAT.getNumber())
                        .setShape(TensorShapeProto.newBuilder().addAllDim(shape))))
        .build();
  }

  /**
   * The operands of a node; of a linear layer that can be changed, B(A(x)) and the bias are added
   * to its product in place of the bias, so that no operation is there for it alone.
   *
   * @param type of the operands, in which it is computed
   */
  List<String> operands(Value node, List<String> operands, DType type, SegmentCode code) {
    if (!(node.op() instanceof Op.Linear
        && node.inputs().get(1).op() instanceof Op.Weight weight
        && adaptable.layers().containsKey(weight.name()))) {
      return operands;
    }
    Shape shape = Rules.shape(node, 0);
    String x =
        shape.rank() == 2
            ? operands.get(0)
            : nodes.add(
                "Reshape",
                List.of(operands.get(0), code.vector(List.of(Dim.of(-1), shape.dim(-1)))));
    var transposed = Attributes.integer("transB", 1);
    String low =
        nodes.add("Gemm", List.of(x, numbers.as(Adaptable.loraA(weight.name()), type)), transposed);
    var second = new ArrayList<>(List.of(low, numbers.as(Adaptable.loraB(weight.name()), type)));
    second.addAll(operands.subList(2, operands.size()));
    return List.of(operands.get(0), operands.get(1), nodes.add("Gemm", second, transposed));
  }
}
