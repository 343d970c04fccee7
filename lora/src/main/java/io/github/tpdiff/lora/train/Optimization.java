package io.github.tpdiff.lora.train;

import io.github.tpdiff.lora.Parameter;
import io.github.tpdiff.lora.train.GradientSource.BatchLoss;
import io.github.tpdiff.lora.train.GradientSource.StepBatches;
import io.github.tpdiff.runtime.engine.DeviceOptimizer;
import io.github.tpdiff.runtime.engine.Trainable;
import io.github.tpdiff.weights.TensorSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.ToDoubleFunction;

/** The trained values of a run, and what moves them step by step, wherever both are. */
interface Optimization extends AutoCloseable {
  /**
   * The losses of a step's batches, whose gradients are then held; empty if the user stopped it.
   */
  Optional<List<BatchLoss>> takeGradients(StepBatches step);

  /** The 2-norm of the step's gradients together. */
  double gradientNorm();

  /** A weight whose gradient in this step is not finite, if there is one. */
  Optional<String> findNonFinite();

  /**
   * Moves the values.
   *
   * @param factor on the gradients first
   * @param rates of learning, by weight name
   */
  void step(double factor, ToDoubleFunction<String> rates);

  /** Lets the model have the running mean of the values for a while; nothing where none is kept. */
  void exchangeMean();

  /** The run's parameters, with the present values. */
  Map<String, Parameter> values();

  /** What is remembered beside them and the number of steps; changes with the next step. */
  TensorSource state();

  @Override
  void close();

  /**
   * That of a run: on the engine's device where it has an optimizer and the gradients are its own,
   * else on the host.
   *
   * @param model with the values
   * @param steps done
   * @param state after them
   */
  static Optimization of(TrainingRun run, Trainable model, int steps, TensorSource state) {
    var descent = run.settings().descent();
    if (run.gradients().isEmpty()) {
      var request = new DeviceOptimizer.Request(descent.optimizer(), descent.mean(), steps, state);
      Optional<DeviceOptimizer> own = model.optimizer(request);
      if (own.isPresent()) {
        return new DeviceOptimization(own.get(), run.target().parameters());
      }
    }
    return new HostOptimization(run, model, steps, state);
  }
}
