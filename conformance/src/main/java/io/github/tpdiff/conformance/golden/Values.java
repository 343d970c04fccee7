package io.github.tpdiff.conformance.golden;

import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.graph.ElementType;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSource;
import java.nio.ByteBuffer;
import java.util.stream.IntStream;

/** Elements of stored tensors in the widest types that hold them. */
public final class Values {
  private Values() {}

  /** A stored tensor for an engine: floats as F32, integers as I64. */
  public static Tensor tensor(TensorSource source, String name) {
    TensorInfo info = source.require(name);
    long[] shape = shape(info);
    return info.dtype().isFloating()
        ? Tensor.ofFloats(source.floats(name), shape)
        : Tensor.ofLongs(longs(source, name), shape);
  }

  static long[] shape(TensorInfo info) {
    return info.shape().stream().mapToLong(Long::longValue).toArray();
  }

  /** A floating tensor as doubles: every type exactly. */
  public static double[] doubles(TensorSource source, String name) {
    DType dtype = source.require(name).dtype();
    if (dtype == DType.F64) {
      ByteBuffer bytes = source.bytes(name);
      return IntStream.range(0, bytes.remaining() / 8)
          .mapToDouble(i -> bytes.getDouble(8 * i))
          .toArray();
    }
    return widened(source.floats(name));
  }

  /** Floats as doubles. */
  public static double[] widened(float[] values) {
    return IntStream.range(0, values.length).mapToDouble(i -> values[i]).toArray();
  }

  /** An integer tensor as longs; U64 keeps its bits. */
  public static long[] longs(TensorSource source, String name) {
    TensorInfo info = source.require(name);
    ByteBuffer bytes = source.bytes(name);
    int size = info.dtype().bytes();
    var values = new long[bytes.remaining() / size];
    for (int i = 0; i < values.length; i++) {
      int at = i * size;
      values[i] =
          switch (info.dtype()) {
            case I64, U64 -> bytes.getLong(at);
            case I32 -> bytes.getInt(at);
            case U32 -> Integer.toUnsignedLong(bytes.getInt(at));
            case I16 -> bytes.getShort(at);
            case U16 -> Short.toUnsignedLong(bytes.getShort(at));
            case I8 -> bytes.get(at);
            case U8, BOOL -> Byte.toUnsignedLong(bytes.get(at));
            default ->
                throw new CaseException(
                    "%s: tensor '%s': expected integers, found %s"
                        .formatted(source.origin(), name, info.dtype()));
          };
    }
    return values;
  }

  /** The elements of a tensor as doubles. */
  public static double[] doubles(Tensor tensor) {
    if (tensor.type() == ElementType.F32) {
      return widened(tensor.toFloatArray());
    }
    var longs = tensor.longs();
    return IntStream.range(0, longs.remaining()).mapToDouble(longs::get).toArray();
  }
}
