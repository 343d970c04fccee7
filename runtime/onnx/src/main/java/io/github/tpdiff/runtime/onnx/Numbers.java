package io.github.tpdiff.runtime.onnx;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import io.github.tpdiff.weights.DType;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * In which type each value of a graph being written is, fp32 unless said otherwise, and the casts
 * from one to the other, of which there is one for each value.
 */
final class Numbers {
  private record Cast(String value, DType type) {}

  private final NodeList nodes;
  private final Map<String, DType> types = new HashMap<>();
  private final Map<Cast, String> casts = new HashMap<>();

  Numbers(NodeList nodes) {
    this.nodes = nodes;
  }

  DType type(String value) {
    return types.getOrDefault(value, DType.F32);
  }

  /** Says that a value is of this type. */
  void declare(String value, DType type) {
    types.put(value, type);
  }

  /** A value in this type. */
  String as(String value, DType type) {
    if (type(value) == type) {
      return value;
    }
    return casts.computeIfAbsent(
        new Cast(value, type),
        cast -> {
          String result = nodes.add("Cast", List.of(value), to(type));
          types.put(result, type);
          return result;
        });
  }

  static AttributeProto to(DType type) {
    return Attributes.integer("to", dataType(type).getNumber());
  }

  /** What ONNX calls a type that weights are stored in. */
  static DataType dataType(DType dtype) {
    return switch (dtype) {
      case F32 -> DataType.FLOAT;
      case F16 -> DataType.FLOAT16;
      case BF16 -> DataType.BFLOAT16;
      case I8 -> DataType.INT8;
      case F8_E4M3 -> DataType.FLOAT8E4M3FN;
      case F8_E4M3FNUZ -> DataType.FLOAT8E4M3FNUZ;
      case F8_E5M2 -> DataType.FLOAT8E5M2;
      case F8_E5M2FNUZ -> DataType.FLOAT8E5M2FNUZ;
      default -> throw new IllegalArgumentException("weights are not stored as " + dtype);
    };
  }
}
