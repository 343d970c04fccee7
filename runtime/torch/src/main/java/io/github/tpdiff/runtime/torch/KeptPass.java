package io.github.tpdiff.runtime.torch;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.torch.TorchModule.Mode;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Records the whole forward pass in one call and goes back through it in the same call. */
final class KeptPass implements GradientPass {
  private final StepMethod step;
  private final String method;
  private final List<String> trained;

  /** Adds its method to {@code script}. */
  KeptPass(GradientPaths paths, TorchScriptWriter script) {
    this.step = new StepMethod(paths, script.segments());
    this.method = script.method("step", step.body());
    this.trained = paths.trained();
  }

  @Override
  public Result run(
      ForwardPass forward, Map<String, NDArray> inputs, Wanted wanted, NDManager scope) {
    try (NDManager copies = scope.newSubManager()) {
      var arguments =
          forward
              .calls()
              .arguments(step.inputs(), step.weights(), step.constants(), inputs, copies);
      arguments.add(wanted.target());
      arguments.add(wanted.weights());
      List<NDArray> results = forward.module().call(method, arguments, Mode.GRAD, scope);
      Tensor prediction = HostTensors.toHost(results.get(0));
      var gradients = new HashMap<String, NDArray>();
      for (int i = 0; i < trained.size(); i++) {
        gradients.put(trained.get(i), results.get(i + 1));
      }
      return new Result(prediction, gradients);
    }
  }
}
