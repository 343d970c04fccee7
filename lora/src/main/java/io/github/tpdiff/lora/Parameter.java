package io.github.tpdiff.lora;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.weights.MemoryTensors;
import io.github.tpdiff.weights.TensorSource;
import java.util.List;
import java.util.Map;

/**
 * A trained tensor.
 *
 * @param shape row-major
 * @param values not copied: the optimizer changes them in place
 */
@SuppressWarnings("ArrayRecordComponent") // changed in place at every step, never compared
public record Parameter(List<Long> shape, float[] values) {
  public Parameter {
    shape = List.copyOf(shape);
    long count = shape.stream().reduce(1L, Math::multiplyExact);
    checkArgument(count == values.length, "parameter %s: found %s values", shape, values.length);
  }

  /**
   * The parameter of that name.
   *
   * @throws IllegalArgumentException if there is none
   */
  public static Parameter require(Map<String, Parameter> parameters, String name) {
    Parameter found = parameters.get(name);
    if (found == null) {
      throw new IllegalArgumentException("trained tensor '%s' is missing".formatted(name));
    }
    return found;
  }

  /** Parameters as a source of F32 tensors, not copied: it gives the values that there are. */
  public static TensorSource view(Map<String, Parameter> parameters) {
    return new ParameterTensors(parameters);
  }

  /** The values as engines take them, copied. */
  public Tensor toTensor() {
    return Tensor.ofFloats(values, shape.stream().mapToLong(Long::longValue).toArray());
  }

  /** Parameters as a source of F32 tensors, copied. */
  public static TensorSource source(Map<String, Parameter> parameters) {
    return source(parameters, Map.of());
  }

  /** The same with strings that travel with them. */
  public static TensorSource source(
      Map<String, Parameter> parameters, Map<String, String> metadata) {
    var tensors = MemoryTensors.builder();
    metadata.forEach(tensors::metadata);
    parameters.forEach((name, p) -> tensors.addFloats(name, p.shape(), p.values()));
    return tensors.build();
  }
}
