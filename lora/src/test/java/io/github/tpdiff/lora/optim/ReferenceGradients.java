package io.github.tpdiff.lora.optim;

import static java.util.Objects.requireNonNull;

import io.github.tpdiff.lora.Parameter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Tensors and gradients from integers alone, the same in Java and Python: a direction that lasts
 * and a quarter as much noise. The matrix has no gradient in the first step, as a LoRA's A, and the
 * kernel begins at zero, as its B.
 */
public final class ReferenceGradients {
  private static final Map<String, List<Long>> SHAPES = new LinkedHashMap<>();

  static {
    SHAPES.put("matrix", List.of(37L, 113L));
    SHAPES.put("vector", List.of(7L));
    SHAPES.put("kernel", List.of(5L, 2L, 3L));
  }

  private ReferenceGradients() {}

  /** First values. */
  public static Map<String, Parameter> start() {
    var parameters = new LinkedHashMap<String, Parameter>();
    int number = 0;
    for (String name : SHAPES.keySet()) {
      float[] values = noise(1000 + number++, count(name));
      for (int i = 0; i < values.length; i++) {
        values[i] *= name.equals("kernel") ? 0 : 0.125f;
      }
      parameters.put(name, new Parameter(requireNonNull(SHAPES.get(name)), values));
    }
    return parameters;
  }

  /** Gradients of a step, from 0. */
  public static Map<String, float[]> of(int step) {
    var gradients = new LinkedHashMap<String, float[]>();
    int number = 0;
    for (String name : SHAPES.keySet()) {
      float[] lasting = noise(500 + number, count(name));
      float[] noise = noise(1 + step * 10 + number, count(name));
      for (int i = 0; i < lasting.length; i++) {
        float size = (float) Math.pow(2, -(4 + 3 * number));
        boolean isZero = name.equals("matrix") && step == 0;
        lasting[i] = isZero ? 0 : (lasting[i] + noise[i] * 0.25f) * size;
      }
      gradients.put(name, lasting);
      number++;
    }
    return gradients;
  }

  private static int count(String name) {
    return (int) (long) requireNonNull(SHAPES.get(name)).stream().reduce(1L, Math::multiplyExact);
  }

  private static float[] noise(long seed, int count) {
    var values = new float[count];
    for (int i = 0; i < count; i++) {
      long x = (i * 2654435761L + seed * 40503L) & 0xffffffffL;
      x ^= x >> 15;
      x = (x * 2246822519L) & 0xffffffffL;
      x ^= x >> 13;
      values[i] = ((x >> 8) - (1 << 23)) / (float) (1 << 23);
    }
    return values;
  }
}
