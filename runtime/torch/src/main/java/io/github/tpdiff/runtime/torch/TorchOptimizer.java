package io.github.tpdiff.runtime.torch;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.github.tpdiff.runtime.engine.DeviceOptimizer;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.optim.OptimizerKind;
import io.github.tpdiff.runtime.optim.RunningMean;
import io.github.tpdiff.weights.TensorSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.ToDoubleFunction;

/** An optimizer on PyTorch's device. */
final class TorchOptimizer implements DeviceOptimizer {
  /** The trainable whose weights are moved. */
  interface Trained {
    /** Names of the weights. */
    List<String> names();

    /** The weight's present values, which are changed in place. */
    NDArray value(String name);

    /**
     * Runs a batch forward and backward.
     *
     * @param use is given the gradients by weight name, which live as long as it runs; what it
     *     attaches elsewhere stays
     * @return the loss
     */
    double gradients(Batch batch, Consumer<Map<String, NDArray>> use);
  }

  private final Trained trained;
  private final NDManager held;
  private final OptimizerCalls calls;
  private final TorchRemembered remembered;
  private final OptimizerStep kind;
  private final Optional<RunningMean> mean;
  private final Map<String, NDArray> sums = new LinkedHashMap<>();
  private int steps;

  /**
   * @param held owned
   */
  TorchOptimizer(Request request, Trained trained, NDManager held) {
    this.trained = trained;
    this.held = held;
    this.mean = request.mean();
    this.steps = request.steps();
    this.calls = new OptimizerCalls(new TorchModule(OptimizerScript.source(), held), held);
    this.remembered = new TorchRemembered(held);
    OptimizerKind asked = request.kind();
    for (String name : trained.names()) {
      NDArray value = trained.value(name);
      asked
          .remembered(TorchRemembered.info(name, value))
          .forEach(info -> remembered.take(info, value, request.state()));
      if (mean.isPresent()) {
        remembered.take(
            RunningMean.remembered(TorchRemembered.info(name, value)), value, request.state());
      }
    }
    this.kind = OptimizerStep.of(asked, remembered, calls, request.state());
  }

  @Override
  public double add(Batch batch, double share) {
    return trained.gradients(batch, gradients -> add(gradients, share));
  }

  private void add(Map<String, NDArray> gradients, double share) {
    float[] number = {(float) share};
    List<String> names = trained.names();
    if (sums.isEmpty()) {
      List<NDArray> own =
          calls.made(
              OptimizerScript.SCALED,
              number,
              names.stream().map(name -> Objects.requireNonNull(gradients.get(name))).toList());
      for (int i = 0; i < own.size(); i++) {
        sums.put(names.get(i), own.get(i));
      }
      return;
    }
    var pairs = new ArrayList<NDArray>();
    sums.forEach(
        (name, sum) -> {
          pairs.add(sum);
          pairs.add(Objects.requireNonNull(gradients.get(name)));
        });
    calls.run(OptimizerScript.ADD, number, pairs);
  }

  @Override
  public double gradientNorm() {
    double[] squares =
        calls.numbers(OptimizerScript.SQUARES, new float[1], List.copyOf(sums.values()));
    return Math.sqrt(squares[0]);
  }

  @Override
  public Optional<String> findNonFinite() {
    var names = List.copyOf(sums.keySet());
    double[] finite =
        calls.numbers(OptimizerScript.FINITE, new float[1], List.copyOf(sums.values()));
    for (int i = 0; i < finite.length; i++) {
      if (finite[i] == 0) {
        return Optional.of(names.get(i));
      }
    }
    return Optional.empty();
  }

  @Override
  public void step(double factor, ToDoubleFunction<String> rates) {
    if (factor != 1) {
      calls.run(OptimizerScript.SCALE, new float[] {(float) factor}, List.copyOf(sums.values()));
    }
    steps++;
    var byRate = new LinkedHashMap<Double, List<OptimizerStep.Weight>>();
    sums.forEach(
        (name, sum) ->
            byRate
                .computeIfAbsent(rates.applyAsDouble(name), rate -> new ArrayList<>())
                .add(new OptimizerStep.Weight(name, trained.value(name), sum)));
    byRate.forEach((rate, weights) -> kind.move(weights, steps, rate));
    sums.values().forEach(NDArray::close);
    sums.clear();
    mean.ifPresent(
        own -> calls.run(OptimizerScript.MEAN, new float[] {own.toValue(steps)}, meansAndValues()));
  }

  private List<NDArray> meansAndValues() {
    var pairs = new ArrayList<NDArray>();
    for (String name : trained.names()) {
      NDArray value = trained.value(name);
      pairs.add(remembered.array(RunningMean.remembered(TorchRemembered.info(name, value)).name()));
      pairs.add(value);
    }
    return pairs;
  }

  @Override
  public void exchangeMean() {
    if (mean.isPresent()) {
      calls.run(OptimizerScript.EXCHANGE, new float[1], meansAndValues());
    }
  }

  @Override
  public Map<String, Tensor> values() {
    var values = new LinkedHashMap<String, Tensor>();
    for (String name : trained.names()) {
      values.put(name, HostTensors.toHost(trained.value(name)));
    }
    return values;
  }

  @Override
  public TensorSource state() {
    return kind.onHost().map(remembered::overlaid).orElse(remembered);
  }

  /** How many tensors this holds. */
  int heldTensors() {
    return held.getManagedArrays().size();
  }

  @Override
  public void close() {
    calls.close();
    held.close();
  }
}
