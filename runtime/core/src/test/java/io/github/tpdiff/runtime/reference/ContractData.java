package io.github.tpdiff.runtime.reference;

import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.graph.ElementType;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.graph.Value;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.FloatCodec;
import io.github.tpdiff.weights.MemoryTensors;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSource;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/** Inputs and weights drawn by name, the same on every run. */
public final class ContractData {
  /** Values of every symbol that the cases use, twice. */
  public static final List<Map<String, Long>> SIZES =
      List.of(
          Map.of("batch", 1L, "tokens", 4L, "keys", 3L, "frames", 3L, "height", 4L, "width", 6L),
          Map.of("batch", 2L, "tokens", 7L, "keys", 9L, "frames", 5L, "height", 6L, "width", 5L));

  private ContractData() {}

  /** Reals in (−1, 1) and indices below 7 for every input of {@code program}. */
  public static Map<String, Tensor> inputs(Program program, Map<String, Long> sizes) {
    var tensors = new LinkedHashMap<String, Tensor>();
    program.inputs().forEach((name, value) -> tensors.put(name, input(name, value, sizes)));
    return tensors;
  }

  private static Tensor input(String name, Value value, Map<String, Long> sizes) {
    long[] shape = value.shape().evaluate(sizes);
    int count = Math.toIntExact(value.shape().elementCount().evaluate(sizes));
    var random = new SplittableRandom(name.hashCode());
    if (value.type() == ElementType.I64) {
      return Tensor.ofLongs(random.longs(count, 0, 7).toArray(), shape);
    }
    return Tensor.ofFloats(floats(random, count), shape);
  }

  private static float[] floats(SplittableRandom random, int count) {
    var values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextDouble(-1, 1);
    }
    return values;
  }

  /** Every weight of {@code program}, rounded to {@code stored}. */
  public static TensorSource weights(Program program, DType stored) {
    var builder = MemoryTensors.builder();
    program
        .weights()
        .forEach(
            (name, value) -> {
              long[] shape = value.shape().evaluate(Map.of());
              var extents = Arrays.stream(shape).boxed().toList();
              int count = Math.toIntExact(value.shape().elementCount().value());
              var random = new SplittableRandom(name.hashCode() + 1L);
              var payload =
                  ByteBuffer.allocateDirect(count * stored.bytes()).order(ByteOrder.LITTLE_ENDIAN);
              FloatCodec.encode(FloatBuffer.wrap(floats(random, count)), stored, payload);
              builder.add(new TensorInfo(name, stored, extents), payload.flip());
            });
    return builder.build();
  }
}
