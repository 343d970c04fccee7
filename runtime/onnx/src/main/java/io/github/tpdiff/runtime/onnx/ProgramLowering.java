package io.github.tpdiff.runtime.onnx;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.StringStringEntryProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorShapeProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import io.github.tpdiff.runtime.graph.Dim;
import io.github.tpdiff.runtime.graph.ElementType;
import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.GraphException;
import io.github.tpdiff.runtime.graph.Op;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.graph.Shape;
import io.github.tpdiff.runtime.graph.Value;
import io.github.tpdiff.weights.DType;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;

/**
 * Lowers a program to one ONNX graph, opset 23: its segments one after another, weights stored
 * outside.
 *
 * <p>Names of inputs and outputs are the program's; those of weights are the checkpoint's.
 */
final class ProgramLowering {
  static final int OPSET = 23;
  static final int IR_VERSION = 10;

  /** Who wrote a graph, as the graph says. */
  static final String PRODUCER = "tpdiff";

  private final Program program;
  private final GraphForm form;
  private final ReducedProducts products;
  private final NodeList nodes = new NodeList();
  private final Numbers numbers = new Numbers(nodes);
  private final WeightCode weights;
  private final AdapterCode adapters;

  private ProgramLowering(Program program, GraphForm form, Function<String, StoredWeight> storage) {
    this.program = program;
    this.form = form;
    this.products = ReducedProducts.of(program);
    this.weights = new WeightCode(nodes, storage);
    this.adapters = new AdapterCode(nodes, numbers, form.adaptable());
  }

  /**
   * The model.
   *
   * @param storage where each weight of the program lies
   */
  static ModelProto lower(Program program, GraphForm form, Function<String, StoredWeight> storage) {
    return new ProgramLowering(program, form, storage).model();
  }

  private ModelProto model() {
    var model =
        ModelProto.newBuilder()
            .setIrVersion(IR_VERSION)
            .setProducerName(PRODUCER)
            .addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(OPSET))
            .addMetadataProps(
                StringStringEntryProto.newBuilder().setKey("component").setValue(program.name()))
            .setGraph(graph());
    if (form.fused()) {
      model.addOpsetImport(
          OperatorSetIdProto.newBuilder().setDomain(NodeList.CONTRIB).setVersion(1));
    }
    return model.build();
  }

  private GraphProto graph() {
    var graph = GraphProto.newBuilder().setName(program.name());
    var values = new HashMap<String, String>();
    var shapes = GlobalShapes.of(program);
    program
        .inputs()
        .forEach(
            (name, value) -> {
              nodes.reserve(name);
              values.put(name, name);
              graph.addInput(info(name, value.type(), shapes.input(name)));
            });
    for (String output : program.outputs()) {
      if (program.inputs().containsKey(output)) {
        throw new GraphException(
            program.name() + ": output " + output + " has the name of an input");
      }
      nodes.reserve(output);
    }
    program.weights().forEach(weights::declare);
    adapters.declare(graph, program.weights());
    var produced = new LinkedHashMap<String, Value>();
    for (Graph segment : program.segments()) {
      values.putAll(write(segment, values));
      produced.putAll(segment.outputs());
    }
    for (String output : program.outputs()) {
      nodes.alias(numbers.as(Objects.requireNonNull(values.get(output)), DType.F32), output);
      ElementType type = Objects.requireNonNull(produced.get(output)).type();
      graph.addOutput(info(output, type, shapes.output(output)));
    }
    nodes.addTo(graph);
    return graph.build();
  }

  /** Writes a segment; returns the names of its outputs in the ONNX graph. */
  private Map<String, String> write(Graph segment, Map<String, String> inputs) {
    nodes.startSegment(segment.name());
    var code = new SegmentCode(nodes, form, segment, Map.copyOf(inputs));
    var names = new IdentityHashMap<Value, String>();
    for (Value node : segment.nodes()) {
      if (node.op() instanceof Op.Gather && node.inputs().get(0).op() instanceof Op.Weight table) {
        names.put(node, weights.rows(table.name(), name(node.inputs().get(1), names)));
      } else if (!(node.op() instanceof Op.Weight)) {
        DType type =
            node.op() instanceof Op.Input input
                ? numbers.type(code.input(input.name()))
                : type(node, names);
        var operands = node.inputs().stream().map(input -> operand(input, type, names)).toList();
        String result = Rules.write(node, adapters.operands(node, operands, type, code), code);
        numbers.declare(result, type);
        names.put(node, result);
      }
    }
    var outputs = new HashMap<String, String>();
    segment.outputs().forEach((output, value) -> outputs.put(output, name(value, names)));
    return outputs;
  }

  /**
   * The type that an operation on numbers is computed in: that of products for them, for what goes
   * with them at no loss that of its inputs, fp32 for all else.
   */
  private DType type(Value node, Map<Value, String> names) {
    if (products.contains(node)) {
      return form.products();
    }
    return follows(node.op())
            && node.inputs().stream()
                .allMatch(input -> numbers.type(name(input, names)) == form.products())
        ? form.products()
        : DType.F32;
  }

  private static boolean follows(Op op) {
    if (op instanceof Op.Unary unary) {
      return switch (unary.kind()) {
        case GELU_TANH, GELU_ERF, SILU -> true;
        default -> false;
      };
    }
    return op instanceof Op.Reshape
        || op instanceof Op.Transpose
        || op instanceof Op.Slice
        || op instanceof Op.Concat;
  }

  private String operand(Value value, DType type, Map<Value, String> names) {
    if (value.op() instanceof Op.Weight weight) {
      return weights.as(weight.name(), type);
    }
    String name = name(value, names);
    return value.type() == ElementType.F32 ? numbers.as(name, type) : name;
  }

  private String name(Value value, Map<Value, String> names) {
    return value.op() instanceof Op.Weight weight
        ? weights.as(weight.name(), DType.F32)
        : Objects.requireNonNull(names.get(value));
  }

  private static ValueInfoProto info(String name, ElementType element, Shape extents) {
    var shape = TensorShapeProto.newBuilder();
    for (Dim dim : extents.dims()) {
      if (dim.isFixed()) {
        shape.addDimBuilder().setDimValue(dim.value());
      } else {
        shape.addDimBuilder().setDimParam(dim.toString());
      }
    }
    var type = element == ElementType.F32 ? TensorProto.DataType.FLOAT : TensorProto.DataType.INT64;
    return ValueInfoProto.newBuilder()
        .setName(name)
        .setType(
            TypeProto.newBuilder()
                .setTensorType(
                    TypeProto.Tensor.newBuilder().setElemType(type.getNumber()).setShape(shape)))
        .build();
  }
}
