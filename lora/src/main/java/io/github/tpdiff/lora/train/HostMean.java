package io.github.tpdiff.lora.train;

import io.github.tpdiff.lora.Parameter;
import io.github.tpdiff.runtime.optim.RememberedTensors;
import io.github.tpdiff.runtime.optim.RunningMean;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSource;
import java.util.LinkedHashMap;
import java.util.Map;

/** A {@link RunningMean} of parameters on the host. */
final class HostMean {
  private final RunningMean kind;
  private final Map<String, Parameter> parameters;
  private final Map<String, Parameter> means = new LinkedHashMap<>();
  private int steps;

  private HostMean(RunningMean kind, Map<String, Parameter> parameters, int steps) {
    this.kind = kind;
    this.parameters = parameters;
    this.steps = steps;
  }

  /**
   * A mean that goes on.
   *
   * @param parameters with their present values
   * @param steps done
   * @param state with the means; without tensors at the start
   * @throws io.github.tpdiff.weights.CheckpointException if one is missing or misshapen
   */
  static HostMean resumed(
      RunningMean kind, Map<String, Parameter> parameters, int steps, TensorSource state) {
    var mean = new HostMean(kind, parameters, steps);
    parameters.forEach(
        (name, p) -> {
          TensorInfo info = info(name, p);
          float[] values =
              state.names().isEmpty()
                  ? p.values().clone()
                  : state.floats(RememberedTensors.require(state, info).name());
          mean.means.put(name, new Parameter(p.shape(), values));
        });
    return mean;
  }

  private static TensorInfo info(String name, Parameter parameter) {
    return RunningMean.remembered(new TensorInfo(name, DType.F32, parameter.shape()));
  }

  /** Goes towards the values after a step. */
  void step() {
    steps++;
    float share = kind.toValue(steps);
    parameters.forEach(
        (name, p) -> {
          float[] mean = Parameter.require(means, name).values();
          for (int i = 0; i < mean.length; i++) {
            mean[i] -= (mean[i] - p.values()[i]) * share;
          }
        });
  }

  /** By weight name. */
  Map<String, Parameter> values() {
    return means;
  }

  /** The means as a state has them. */
  TensorSource state() {
    var named = new LinkedHashMap<String, Parameter>();
    means.forEach((name, mean) -> named.put(info(name, mean).name(), mean));
    return Parameter.view(named);
  }
}
