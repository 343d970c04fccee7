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
 * <p>Weights keep their checkpoint names and types and are cast to fp32 by the first nodes, each
 * named as its output; opened with a bound on constant folding, the runtime then converts them when
 * used and keeps no second copy.
 */
final class ProgramLowering {
  static final int OPSET = 23;
  static final int IR_VERSION = 10;

  private final Program program;
  private final Function<String, StoredWeight> storage;
  private final OnnxFlavour flavour;
  private final NodeList nodes = new NodeList();
  private final Map<String, String> weights = new HashMap<>();

  private ProgramLowering(
      Program program, OnnxFlavour flavour, Function<String, StoredWeight> storage) {
    this.program = program;
    this.flavour = flavour;
    this.storage = storage;
  }

  /**
   * The model.
   *
   * @param storage where each weight of the program lies
   */
  static ModelProto lower(
      Program program, OnnxFlavour flavour, Function<String, StoredWeight> storage) {
    return new ProgramLowering(program, flavour, storage).model();
  }

  private ModelProto model() {
    var model =
        ModelProto.newBuilder()
            .setIrVersion(IR_VERSION)
            .setProducerName("tpdiff")
            .addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(OPSET))
            .addMetadataProps(
                StringStringEntryProto.newBuilder().setKey("component").setValue(program.name()))
            .setGraph(graph());
    if (flavour == OnnxFlavour.FUSED) {
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
    program.weights().forEach(this::addWeight);
    var produced = new LinkedHashMap<String, Value>();
    for (Graph segment : program.segments()) {
      values.putAll(write(segment, values));
      produced.putAll(segment.outputs());
    }
    for (String output : program.outputs()) {
      nodes.alias(Objects.requireNonNull(values.get(output)), output);
      ElementType type = Objects.requireNonNull(produced.get(output)).type();
      graph.addOutput(info(output, type, shapes.output(output)));
    }
    nodes.addTo(graph);
    return graph.build();
  }

  private void addWeight(String name, Value value) {
    StoredWeight stored = storage.apply(name);
    String initializer = nodes.unique(name);
    if (!initializer.equals(name)) {
      throw new GraphException(
          program.name() + ": weight " + name + " has the name of an input or output");
    }
    nodes.initializer(initializer(name, value, stored));
    if (stored.dtype() == DType.F32) {
      weights.put(name, name);
    } else {
      String cast = nodes.unique(name + ".f32");
      nodes.addFirst(
          "Cast", name, cast, Attributes.integer("to", TensorProto.DataType.FLOAT.getNumber()));
      weights.put(name, cast);
    }
  }

  private static TensorProto initializer(String name, Value value, StoredWeight stored) {
    var tensor =
        TensorProto.newBuilder()
            .setName(name)
            .setDataType(dataType(stored.dtype()).getNumber())
            .setDataLocation(TensorProto.DataLocation.EXTERNAL)
            .addExternalData(entry("location", stored.location()))
            .addExternalData(entry("offset", Long.toString(stored.offset())))
            .addExternalData(entry("length", Long.toString(stored.length())));
    value.shape().dims().forEach(dim -> tensor.addDims(dim.value()));
    return tensor.build();
  }

  private static StringStringEntryProto entry(String key, String value) {
    return StringStringEntryProto.newBuilder().setKey(key).setValue(value).build();
  }

  private static TensorProto.DataType dataType(DType dtype) {
    return switch (dtype) {
      case F32 -> TensorProto.DataType.FLOAT;
      case F16 -> TensorProto.DataType.FLOAT16;
      case BF16 -> TensorProto.DataType.BFLOAT16;
      default -> throw new IllegalArgumentException("weights are stored as F32, F16 or BF16");
    };
  }

  /** Writes a segment; returns the names of its outputs in the ONNX graph. */
  private Map<String, String> write(Graph segment, Map<String, String> inputs) {
    nodes.startSegment(segment.name());
    var code = new SegmentCode(nodes, flavour, segment, Map.copyOf(inputs));
    var names = new IdentityHashMap<Value, String>();
    for (Value node : segment.nodes()) {
      var operands =
          node.inputs().stream().map(input -> Objects.requireNonNull(names.get(input))).toList();
      names.put(
          node,
          node.op() instanceof Op.Weight weight
              ? Objects.requireNonNull(weights.get(weight.name()))
              : Rules.write(node, operands, code));
    }
    var outputs = new HashMap<String, String>();
    segment
        .outputs()
        .forEach((name, value) -> outputs.put(name, Objects.requireNonNull(names.get(value))));
    return outputs;
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
