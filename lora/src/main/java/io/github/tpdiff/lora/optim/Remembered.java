package io.github.tpdiff.lora.optim;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.lora.Parameter;
import io.github.tpdiff.runtime.optim.OptimizerKind;
import io.github.tpdiff.runtime.optim.RememberedTensors;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.MemoryTensors;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSource;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** What an optimizer remembers of its weights, on the host. */
final class Remembered {
  @SuppressWarnings("ArrayRecordComponent") // changed in place at every step, never compared
  private record Codes(TensorInfo info, byte[] values) {}

  private final Map<String, Parameter> floats = new LinkedHashMap<>();
  private final Map<String, Codes> codes = new LinkedHashMap<>();

  private Remembered() {}

  /**
   * All that a kind remembers of some weights.
   *
   * @param state as {@link #source} gave it, copied; without tensors before the first step
   * @throws io.github.tpdiff.weights.CheckpointException if the state is of other weights
   */
  static Remembered of(OptimizerKind kind, Map<String, Parameter> weights, TensorSource state) {
    var remembered = new Remembered();
    weights.forEach(
        (name, weight) ->
            kind.remembered(new TensorInfo(name, DType.F32, weight.shape()))
                .forEach(info -> remembered.take(info, weight, state)));
    return remembered;
  }

  private void take(TensorInfo info, Parameter weight, TensorSource state) {
    boolean isKnown = !state.names().isEmpty();
    if (isKnown) {
      RememberedTensors.require(state, info);
    }
    int count = Math.toIntExact(info.elementCount());
    if (info.dtype() == DType.U8) {
      var values = new byte[count];
      if (isKnown) {
        state.bytes(info.name()).get(values);
      }
      codes.put(info.name(), new Codes(info, values));
    } else if (isKnown) {
      floats.put(info.name(), new Parameter(info.shape(), state.floats(info.name())));
    } else {
      boolean beginsAsWeight = RememberedTensors.beginsAsWeight(info);
      float[] values = beginsAsWeight ? weight.values().clone() : new float[count];
      floats.put(info.name(), new Parameter(info.shape(), values));
    }
  }

  /** Weights, each with its gradient. */
  static List<WeightStep.Weight> weights(
      Map<String, Parameter> parameters, Map<String, float[]> gradients) {
    var weights = new ArrayList<WeightStep.Weight>();
    parameters.forEach(
        (name, value) -> {
          float[] gradient = gradients.get(name);
          checkArgument(gradient != null, "trained tensor '%s' has no gradient", name);
          checkArgument(
              gradient.length == value.values().length,
              "gradient: expected %s values, found %s",
              value.values().length,
              gradient.length);
          weights.add(new WeightStep.Weight(name, value, gradient));
        });
    return weights;
  }

  /** The values of a tensor, in place. */
  float[] floats(String name) {
    return Parameter.require(floats, name).values();
  }

  /** The codes of a tensor, in place. */
  byte[] codes(String name) {
    return Objects.requireNonNull(codes.get(name)).values();
  }

  /** All tensors: values as they are when they are read, codes as they are now. */
  TensorSource source() {
    if (codes.isEmpty()) {
      return Parameter.view(floats);
    }
    var coded = MemoryTensors.builder();
    codes.values().forEach(own -> coded.add(own.info(), ByteBuffer.wrap(own.values())));
    return Parameter.view(floats).overlaid(coded.build());
  }
}
