package io.github.tpdiff.runtime.model;

import io.github.tpdiff.runtime.engine.Executable;
import io.github.tpdiff.runtime.engine.Tensor;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;

/** A Java function as an executable, with the contract's checks. */
record FunctionExecutable(
    List<String> inputNames,
    List<String> outputNames,
    UnaryOperator<Map<String, Tensor>> function,
    Runnable onClose)
    implements Executable {

  @Override
  public Map<String, Tensor> run(Map<String, Tensor> inputs) {
    if (!inputs.keySet().containsAll(inputNames)) {
      throw new AssertionError("expected inputs " + inputNames + ", found " + inputs.keySet());
    }
    return function.apply(inputs);
  }

  @Override
  public Executable bind(Map<String, Tensor> fixed) {
    var free = inputNames.stream().filter(name -> !fixed.containsKey(name)).toList();
    return new FunctionExecutable(
        free,
        outputNames,
        inputs -> {
          var all = new HashMap<>(fixed);
          all.putAll(inputs);
          return run(all);
        },
        () -> {});
  }

  @Override
  public void close() {
    onClose.run();
  }
}
