package io.github.tpdiff.lora.train;

import io.github.tpdiff.lora.Parameter;
import io.github.tpdiff.lora.train.GradientSource.BatchLoss;
import io.github.tpdiff.lora.train.GradientSource.StepBatches;
import io.github.tpdiff.runtime.engine.DeviceOptimizer;
import io.github.tpdiff.weights.TensorSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.ToDoubleFunction;

/**
 * On the engine's device: the run's parameters are there, and copied to the host when they are
 * asked for.
 *
 * @param own the engine's optimizer, closed with this
 * @param parameters the run's
 */
record DeviceOptimization(DeviceOptimizer own, Map<String, Parameter> parameters)
    implements Optimization {
  @Override
  public Optional<List<BatchLoss>> takeGradients(StepBatches step) {
    var losses = new ArrayList<BatchLoss>();
    for (int i = 0; i < step.count(); i++) {
      if (step.stopAsked().getAsBoolean()) {
        return Optional.empty();
      }
      TrainingBatch batch = step.batches().apply(i);
      double loss =
          own.add(
              new DeviceOptimizer.Batch(batch.inputs(), batch.target(), batch.weights()),
              1.0 / step.count());
      losses.add(new BatchLoss(batch.stage(), loss));
    }
    return Optional.of(losses);
  }

  @Override
  public double gradientNorm() {
    return own.gradientNorm();
  }

  @Override
  public Optional<String> findNonFinite() {
    return own.findNonFinite();
  }

  @Override
  public void step(double factor, ToDoubleFunction<String> rates) {
    own.step(factor, rates);
  }

  @Override
  public void exchangeMean() {
    own.exchangeMean();
  }

  @Override
  public Map<String, Parameter> values() {
    own.values()
        .forEach(
            (name, tensor) -> tensor.floats().get(Parameter.require(parameters, name).values()));
    return parameters;
  }

  @Override
  public TensorSource state() {
    return own.state();
  }

  @Override
  public void close() {
    own.close();
  }
}
