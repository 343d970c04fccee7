package io.github.tpdiff.runtime.onnx;

import ai.onnx.proto.OnnxMl.StringStringEntryProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import io.github.tpdiff.runtime.graph.Dim;
import io.github.tpdiff.runtime.graph.GraphException;
import io.github.tpdiff.runtime.graph.Value;
import io.github.tpdiff.weights.DType;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;

/**
 * The weights of a graph being written, stored outside under their checkpoint names and types.
 *
 * <p>They are converted by the first nodes, each named as its output: 16-bit numbers by Cast, codes
 * by DequantizeLinear. Opened with a bound on constant folding, the runtime then converts them when
 * used and keeps no second copy.
 */
final class WeightCode {
  private final NodeList nodes;
  private final Function<String, StoredWeight> storage;
  private final Map<String, StoredWeight> declared = new HashMap<>();
  private final Map<Form, String> converted = new HashMap<>();

  /** A weight in a type that it is needed in. */
  private record Form(String name, DType type) {}

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
    initializer(name, value.shape().dims().stream().map(Dim::value).toList(), stored);
  }

  private void initializer(String name, List<Long> shape, StoredWeight stored) {
    nodes.initializer(
        TensorProto.newBuilder()
            .setName(name)
            .setDataType(Numbers.dataType(stored.dtype()).getNumber())
            .setDataLocation(TensorProto.DataLocation.EXTERNAL)
            .addExternalData(entry("location", stored.location()))
            .addExternalData(entry("offset", Long.toString(stored.offset())))
            .addExternalData(entry("length", Long.toString(stored.length())))
            .addAllDims(shape)
            .build());
  }

  /**
   * The whole weight.
   *
   * @param type F32, F16 or BF16
   */
  String as(String name, DType type) {
    StoredWeight stored = Objects.requireNonNull(declared.get(name));
    if (stored.dtype() == type) {
      return name;
    }
    if (stored.scales().isPresent() && type != DType.F32) {
      return cast(as(name, DType.F32), name, type);
    }
    return stored
        .scales()
        .map(scales -> numbers(name, scales))
        .orElseGet(() -> cast(name, name, type));
  }

  private String cast(String from, String name, DType type) {
    return converted.computeIfAbsent(
        new Form(name, type),
        form -> {
          String cast = nodes.unique(name + suffix(type));
          nodes.addFirst("Cast", List.of(from), cast, Numbers.to(type));
          return cast;
        });
  }

  private String numbers(String name, StoredWeight scales) {
    return converted.computeIfAbsent(
        new Form(name, DType.F32),
        form -> {
          String scale = nodes.unique(name + "_scale");
          initializer(scale, List.of(scales.length() / scales.dtype().bytes()), scales);
          String numbers = nodes.unique(name + suffix(DType.F32));
          nodes.addFirst(
              "DequantizeLinear", List.of(name, scale), numbers, Attributes.integer("axis", 0));
          return numbers;
        });
  }

  private static String suffix(DType type) {
    return "." + type.name().toLowerCase(Locale.ROOT);
  }

  /** Some rows of a weight, such as embeddings: cast after they are taken, not the whole table. */
  String rows(String name, String ids) {
    String rows = nodes.add("Gather", List.of(name, ids), Attributes.integer("axis", 0));
    return Objects.requireNonNull(declared.get(name)).dtype() == DType.F32
        ? rows
        : nodes.add("Cast", List.of(rows), Numbers.to(DType.F32));
  }

  private static StringStringEntryProto entry(String key, String value) {
    return StringStringEntryProto.newBuilder().setKey(key).setValue(value).build();
  }
}
