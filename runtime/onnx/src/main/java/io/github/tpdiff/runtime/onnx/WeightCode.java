package io.github.tpdiff.runtime.onnx;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.StringStringEntryProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import io.github.tpdiff.runtime.graph.GraphException;
import io.github.tpdiff.runtime.graph.Value;
import io.github.tpdiff.weights.DType;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;

/**
 * The weights of a graph being written, stored outside under their checkpoint names and types.
 *
 * <p>They are cast to fp32 by the first nodes, each named as its output; opened with a bound on
 * constant folding, the runtime then converts them when used and keeps no second copy.
 */
final class WeightCode {
  private final NodeList nodes;
  private final Function<String, StoredWeight> storage;
  private final Map<String, StoredWeight> declared = new HashMap<>();
  private final Map<String, String> casts = new HashMap<>();

  /**
   * @param storage where each weight lies
   */
  WeightCode(NodeList nodes, Function<String, StoredWeight> storage) {
    this.nodes = nodes;
    this.storage = storage;
  }

  void declare(String name, Value value) {
    StoredWeight stored = storage.apply(name);
    if (!nodes.unique(name).equals(name)) {
      throw new GraphException("weight " + name + " has the name of an input or output");
    }
    declared.put(name, stored);
    var tensor =
        TensorProto.newBuilder()
            .setName(name)
            .setDataType(dataType(stored.dtype()).getNumber())
            .setDataLocation(TensorProto.DataLocation.EXTERNAL)
            .addExternalData(entry("location", stored.location()))
            .addExternalData(entry("offset", Long.toString(stored.offset())))
            .addExternalData(entry("length", Long.toString(stored.length())));
    value.shape().dims().forEach(dim -> tensor.addDims(dim.value()));
    nodes.initializer(tensor.build());
  }

  /** The whole weight. */
  String asF32(String name) {
    if (isF32(name)) {
      return name;
    }
    return casts.computeIfAbsent(
        name,
        weight -> {
          String cast = nodes.unique(weight + ".f32");
          nodes.addFirst("Cast", weight, cast, toF32());
          return cast;
        });
  }

  /** Some rows of a weight, such as embeddings: cast after they are taken, not the whole table. */
  String rows(String name, String ids) {
    String rows = nodes.add("Gather", List.of(name, ids), Attributes.integer("axis", 0));
    return isF32(name) ? rows : nodes.add("Cast", List.of(rows), toF32());
  }

  private boolean isF32(String name) {
    return Objects.requireNonNull(declared.get(name)).dtype() == DType.F32;
  }

  private static AttributeProto toF32() {
    return Attributes.integer("to", DataType.FLOAT.getNumber());
  }

  private static StringStringEntryProto entry(String key, String value) {
    return StringStringEntryProto.newBuilder().setKey(key).setValue(value).build();
  }

  private static DataType dataType(DType dtype) {
    return switch (dtype) {
      case F32 -> DataType.FLOAT;
      case F16 -> DataType.FLOAT16;
      case BF16 -> DataType.BFLOAT16;
      default -> throw new IllegalArgumentException("weights are stored as F32, F16 or BF16");
    };
  }
}
