package io.github.tpdiff.lora.data;

import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.graph.ElementType;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.MemoryTensors;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSource;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.LongStream;

/**
 * Conditions in a cache's file: each without its batch axis of one, and without the zero rows that
 * fill a text up.
 */
final class CachedTensors {
  private static final String ROWS = "rows.";

  /** In caches of the time when a caption had one condition. */
  private static final String EARLIER_ROWS = "length";

  private CachedTensors() {}

  /** Adds conditions under names that begin alike. */
  static void add(MemoryTensors.Builder tensors, String prefix, Map<String, Tensor> conditions) {
    new TreeMap<>(conditions).forEach((name, value) -> add(tensors, prefix + name, value));
  }

  private static void add(MemoryTensors.Builder tensors, String name, Tensor value) {
    List<Long> shape = Arrays.stream(value.shape()).skip(1).boxed().toList();
    if (value.type() == ElementType.I64) {
      var longs = new long[Math.toIntExact(value.elementCount())];
      value.longs().get(longs);
      tensors.addLongs(name, shape, longs);
    } else if (shape.size() < 2) {
      tensors.addFloats(name, shape, value.toFloatArray());
    } else {
      addRows(tensors, name, shape, value.toFloatArray());
    }
  }

  private static void addRows(
      MemoryTensors.Builder tensors, String name, List<Long> shape, float[] values) {
    int rows = Math.toIntExact(shape.get(0));
    tensors.metadata(ROWS + name, Integer.toString(rows));
    int width = values.length / rows;
    while (rows > 1 && isZero(values, (rows - 1) * width, width)) {
      rows--;
    }
    var kept = new ArrayList<>(shape);
    kept.set(0, (long) rows);
    tensors.addFloats(name, kept, Arrays.copyOf(values, rows * width));
  }

  private static boolean isZero(float[] values, int from, int count) {
    for (int i = from; i < from + count; i++) {
      if (values[i] != 0) {
        return false;
      }
    }
    return true;
  }

  /** The conditions whose names begin alike, each with a batch axis of one. */
  static Map<String, Tensor> read(TensorSource source, String prefix) {
    var conditions = new LinkedHashMap<String, Tensor>();
    source.names().stream()
        .filter(name -> name.startsWith(prefix))
        .forEach(name -> conditions.put(name.substring(prefix.length()), tensor(source, name)));
    return conditions;
  }

  private static Tensor tensor(TensorSource source, String name) {
    TensorInfo info = source.require(name);
    long[] shape =
        LongStream.concat(LongStream.of(1), info.shape().stream().mapToLong(Long::longValue))
            .toArray();
    if (info.dtype() == DType.I64) {
      return Tensor.of(ElementType.I64, shape, copy(source.bytes(name)));
    }
    float[] values = source.floats(name);
    Map<String, String> header = source.metadata();
    String own = header.get(ROWS + name);
    String rows = own == null ? header.get(EARLIER_ROWS) : own;
    // What had one condition kept it without the batch.
    if (rows != null && shape.length > 2) {
      int kept = Math.toIntExact(shape[1]);
      shape[1] = Integer.parseInt(rows);
      values =
          Arrays.copyOf(
              values, Math.multiplyExact(Math.toIntExact(shape[1]), values.length / kept));
    }
    return Tensor.ofFloats(values, shape);
  }

  private static ByteBuffer copy(ByteBuffer mapped) {
    return ByteBuffer.allocateDirect(mapped.remaining())
        .order(ByteOrder.LITTLE_ENDIAN)
        .put(mapped.duplicate())
        .flip();
  }
}
