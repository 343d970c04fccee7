package io.github.tpdiff.lora.train;

import io.github.tpdiff.lora.Parameter;
import io.github.tpdiff.lora.optim.GradientNorm;
import io.github.tpdiff.lora.optim.Optimizer;
import io.github.tpdiff.lora.train.GradientSource.BatchLoss;
import io.github.tpdiff.lora.train.GradientSource.StepBatches;
import io.github.tpdiff.lora.train.GradientSource.StepGradients;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.engine.Trainable;
import io.github.tpdiff.weights.TensorSource;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.ToDoubleFunction;

/** On the host, whose values the model is given after every step. */
final class HostOptimization implements Optimization {
  private final Trainable model;
  private final GradientSource source;
  private final Map<String, Parameter> parameters;
  private final Optimizer optimizer;
  private final Optional<HostMean> mean;
  private Map<String, float[]> gradients = Map.of();
  private boolean hasMean;

  /**
   * That of a run.
   *
   * @param steps done
   * @param state after them
   */
  HostOptimization(TrainingRun run, Trainable model, int steps, TensorSource state) {
    var descent = run.settings().descent();
    this.model = model;
    this.parameters = run.target().parameters();
    this.source = run.gradients().orElse(GradientSource.local()).on(model, parameters.keySet());
    this.optimizer = Optimizer.resumed(descent.optimizer(), parameters, steps, state);
    this.mean = descent.mean().map(own -> HostMean.resumed(own, parameters, steps, state));
  }

  @Override
  public Optional<List<BatchLoss>> takeGradients(StepBatches step) {
    Optional<StepGradients> found = source.mean(step);
    gradients = found.map(StepGradients::gradients).orElse(Map.of());
    return found.map(StepGradients::batches);
  }

  @Override
  public double gradientNorm() {
    return GradientNorm.of(gradients.values());
  }

  @Override
  public Optional<String> findNonFinite() {
    return GradientNorm.firstNonFinite(gradients);
  }

  @Override
  public void step(double factor, ToDoubleFunction<String> rates) {
    GradientNorm.scale(gradients.values(), factor);
    optimizer.step(parameters, gradients, rates);
    gradients = Map.of();
    model.update(tensors(parameters));
    mean.ifPresent(HostMean::step);
  }

  @Override
  public void exchangeMean() {
    mean.ifPresent(
        own -> {
          hasMean = !hasMean;
          model.update(tensors(hasMean ? own.values() : parameters));
        });
  }

  private static Map<String, Tensor> tensors(Map<String, Parameter> parameters) {
    var tensors = new LinkedHashMap<String, Tensor>();
    parameters.forEach((name, p) -> tensors.put(name, p.toTensor()));
    return tensors;
  }

  @Override
  public Map<String, Parameter> values() {
    return parameters;
  }

  @Override
  public TensorSource state() {
    TensorSource own = optimizer.state();
    return mean.map(HostMean::state).map(own::overlaid).orElse(own);
  }

  /** Nothing to free. */
  @Override
  public void close() {}
}
