package io.github.tpdiff.lora.train;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.tpdiff.lora.Parameter;
import io.github.tpdiff.lora.optim.GradientNorm;
import io.github.tpdiff.lora.optim.Optimizer;
import io.github.tpdiff.runtime.engine.Activations;
import io.github.tpdiff.runtime.engine.DeviceOptimizer;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.engine.Trainable;
import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.graph.Value;
import io.github.tpdiff.runtime.optim.Adafactor;
import io.github.tpdiff.runtime.optim.AdamW;
import io.github.tpdiff.runtime.optim.AdamW8bit;
import io.github.tpdiff.runtime.optim.Lion;
import io.github.tpdiff.runtime.optim.OptimizerKind;
import io.github.tpdiff.runtime.optim.Prodigy;
import io.github.tpdiff.runtime.optim.RunningMean;
import io.github.tpdiff.runtime.torch.TorchEngine;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.MemoryTensors;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.function.ToDoubleFunction;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Optimizers on PyTorch's device against those on the host, step by step. */
final class DeviceOptimizerTest {
  private static final TorchEngine ENGINE = TorchEngine.cpu();
  private static final int STEPS = 12;
  private static final Optional<RunningMean> MEAN = Optional.of(new RunningMean(0.9));

  /** Of 4,746 values in 18 blocks and a half, of two dimensions, of three and of one. */
  private static final Map<String, List<Long>> SHAPES =
      Map.of(
          "matrix", List.of(42L, 113L),
          "small.lora_B.weight", List.of(7L, 2L, 3L),
          "vector", List.of(7L));

  static Stream<OptimizerKind> kinds() {
    return Stream.of(
        new AdamW(0.9, 0.99, 1e-8, 0.05),
        new AdamW(0.3, 0.99, 1e-8, 0.05),
        new AdamW8bit(new AdamW(0.9, 0.99, 1e-8, 0.05)),
        new Adafactor(1e-30, 0.05),
        new Prodigy(0.9, 0.99, 1e-8, 0.05, new Prodigy.Estimation(1e-4, 1, true, true)),
        new Lion(0.9, 0.99, 0.05));
  }

  private static Program program() {
    Value vector = Value.weight("vector", 7).reshape(1, 7, 1);
    Value small = Value.weight("small.lora_B.weight", 7, 2, 3).reshape(1, 42);
    Value y =
        Value.input("x", 3, 113)
            .linear(Value.weight("matrix", 42, 113))
            .plus(small)
            .reshape(3, 7, 6)
            .times(vector);
    return new Program("trained", List.of(Graph.of("trained", "y", y)), List.of("y"));
  }

  private static Map<String, Parameter> start() {
    var random = new Random(4);
    var parameters = new LinkedHashMap<String, Parameter>();
    SHAPES.forEach(
        (name, shape) -> {
          int count = (int) (long) shape.stream().reduce(1L, Math::multiplyExact);
          parameters.put(name, new Parameter(shape, noise(random, count)));
        });
    return parameters;
  }

  private static float[] noise(Random random, int count) {
    var values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) (0.3 * random.nextGaussian());
    }
    return values;
  }

  private static DeviceOptimizer.Batch batch(int number) {
    var random = new Random(1000 + number);
    return new DeviceOptimizer.Batch(
        Map.of("x", Tensor.ofFloats(noise(random, 3 * 113), 3, 113)),
        Tensor.ofFloats(noise(random, 3 * 42), 3, 7, 6),
        Tensor.ofFloats(new float[] {1, 0.5f, 2}, 3));
  }

  private static Trainable trainable(Map<String, Parameter> parameters) {
    return ENGINE.train(program(), Parameter.source(parameters), SHAPES.keySet(), Activations.KEPT);
  }

  /** A rate that rises, sixteen times that of B where the kind takes several. */
  private static ToDoubleFunction<String> rates(OptimizerKind kind, int step) {
    double rate = (kind instanceof Prodigy ? 1 : 0.01) * Math.min(1, (step + 1) / 4.0);
    return name -> kind.takesSeveralRates() && name.contains("lora_B") ? 16 * rate : rate;
  }

  private static DeviceOptimizer.Request request(
      OptimizerKind kind, int steps, TensorSource state) {
    return new DeviceOptimizer.Request(kind, MEAN, steps, state);
  }

  private static void step(DeviceOptimizer optimizer, OptimizerKind kind, int step) {
    optimizer.add(batch(2 * step), 0.5);
    optimizer.add(batch(2 * step + 1), 0.5);
    optimizer.step(GradientNorm.factor(optimizer.gradientNorm(), 0.1), rates(kind, step));
  }

  private static TensorSource nothing() {
    return Parameter.source(Map.of());
  }

  /**
   * Values, what is remembered and the mean, to 1e-6 of the largest; codes bit for bit, for which
   * everything before them has to be.
   */
  @ParameterizedTest
  @MethodSource("kinds")
  void everyStep_isTheHosts(OptimizerKind kind) {
    Map<String, Parameter> onHost = start();
    Optimizer optimizer = Optimizer.fresh(kind, onHost);
    HostMean mean = HostMean.resumed(MEAN.orElseThrow(), onHost, 0, nothing());
    try (Trainable host = trainable(start());
        Trainable device = trainable(start());
        DeviceOptimizer own = device.optimizer(request(kind, 0, nothing())).orElseThrow()) {
      for (int step = 0; step < STEPS; step++) {
        int place = 2 * step;
        var batches =
            new GradientSource.StepBatches(
                2,
                i -> {
                  var batch = batch(place + i);
                  return new TrainingBatch(batch.inputs(), batch.target(), batch.weights(), 1);
                },
                () -> false);
        var found = new LocalGradients(host, SHAPES.keySet()).mean(batches).orElseThrow();
        double norm = GradientNorm.clip(found.gradients().values(), 0.1);
        optimizer.step(onHost, found.gradients(), rates(kind, step));
        mean.step();
        host.update(tensors(onHost));

        own.add(batch(place), 0.5);
        own.add(batch(place + 1), 0.5);
        assertThat(own.gradientNorm()).isCloseTo(norm, within(1e-6 * norm));
        own.step(GradientNorm.factor(norm, 0.1), rates(kind, step));
        own.values()
            .forEach(
                (name, found1) ->
                    requireClose(
                        name, found1.toFloatArray(), Parameter.require(onHost, name).values()));
        requireSameState(own.state(), optimizer.state().overlaid(mean.state()));
      }
      own.exchangeMean();
      own.values()
          .forEach(
              (name, found) ->
                  requireClose(
                      name, found.toFloatArray(), Parameter.require(mean.values(), name).values()));
    }
  }

  private static Map<String, Tensor> tensors(Map<String, Parameter> parameters) {
    var tensors = new LinkedHashMap<String, Tensor>();
    parameters.forEach((name, p) -> tensors.put(name, p.toTensor()));
    return tensors;
  }

  private static void requireClose(String name, float[] found, float[] expected) {
    double largest = 0;
    for (float value : expected) {
      largest = Math.max(largest, Math.abs(value));
    }
    assertThat(found).hasSameSizeAs(expected);
    for (int i = 0; i < expected.length; i++) {
      assertThat((double) found[i])
          .as("%s[%d]", name, i)
          .isCloseTo(expected[i], within(1e-6 * largest));
    }
  }

  private static void requireSameState(TensorSource found, TensorSource expected) {
    assertThat(found.names()).containsExactlyInAnyOrderElementsOf(expected.names());
    for (String name : expected.names()) {
      TensorInfo info = expected.require(name);
      assertThat(found.require(name)).isEqualTo(info);
      if (info.dtype() == DType.U8) {
        assertThat(found.bytes(name)).as(name).isEqualTo(expected.bytes(name));
      } else {
        requireClose(name, found.floats(name), expected.floats(name));
      }
    }
  }

  /** Bit for bit, through what a file keeps. */
  @ParameterizedTest
  @MethodSource("kinds")
  void fromItsState_itGoesOnBitForBit(OptimizerKind kind) {
    Map<String, Parameter> kept = start();
    TensorSource state = nothing();
    List<Float> expected;
    try (Trainable whole = trainable(start());
        DeviceOptimizer own = whole.optimizer(request(kind, 0, nothing())).orElseThrow()) {
      for (int step = 0; step < STEPS; step++) {
        if (step == 5) {
          own.values().forEach((name, t) -> t.floats().get(Parameter.require(kept, name).values()));
          state = copy(own.state());
        }
        step(own, kind, step);
      }
      expected = all(own);
    }
    try (Trainable rest = trainable(kept);
        DeviceOptimizer own = rest.optimizer(request(kind, 5, state)).orElseThrow()) {
      for (int step = 5; step < STEPS; step++) {
        step(own, kind, step);
      }
      assertThat(all(own)).isEqualTo(expected);
    }
  }

  private static TensorSource copy(TensorSource state) {
    var copy = MemoryTensors.builder();
    state.names().forEach(name -> copy.add(state.require(name), state.bytes(name)));
    return copy.build();
  }

  /** Values and state as numbers, U8 as those too. */
  private static List<Float> all(DeviceOptimizer own) {
    var all = new ArrayList<Float>();
    own.values()
        .forEach(
            (name, tensor) -> {
              for (float value : tensor.toFloatArray()) {
                all.add(value);
              }
            });
    TensorSource state = own.state();
    for (String name : state.names()) {
      var bytes = state.bytes(name);
      while (bytes.hasRemaining()) {
        all.add((float) bytes.get());
      }
    }
    return all;
  }

  @Test
  void aMeanExchangedTwice_changesNothing() {
    OptimizerKind kind = AdamW.DEFAULT;
    try (Trainable model = trainable(start());
        DeviceOptimizer own = model.optimizer(request(kind, 0, nothing())).orElseThrow()) {
      step(own, kind, 0);
      step(own, kind, 1);
      List<Float> before = all(own);
      own.exchangeMean();
      assertThat(all(own)).isNotEqualTo(before);
      own.exchangeMean();
      assertThat(all(own)).isEqualTo(before);
    }
  }

  @Test
  void gradientThatIsNotFinite_isNamed() {
    try (Trainable model = trainable(start());
        DeviceOptimizer own = model.optimizer(request(AdamW.DEFAULT, 0, nothing())).orElseThrow()) {
      var sound = batch(0);
      own.add(sound, 1);
      assertThat(own.findNonFinite()).isEmpty();
      var target = sound.target().toFloatArray();
      target[0] = Float.NaN;
      Tensor broken = Tensor.ofFloats(target, 3, 7, 6);
      own.add(new DeviceOptimizer.Batch(sound.inputs(), broken, sound.weights()), 1);
      assertThat(own.gradientNorm()).isNaN();
      assertThat(SHAPES).containsKey(own.findNonFinite().orElseThrow());
    }
  }

  @Test
  void stateOfOtherWeights_isRefusedByName() {
    try (Trainable model = trainable(start())) {
      var other = MemoryTensors.builder().addFloats("exp_avg.matrix", List.of(2L), 0, 0).build();
      assertThatThrownBy(() -> model.optimizer(request(Lion.DEFAULT, 3, other)))
          .isInstanceOf(CheckpointException.class)
          .hasMessageContaining("exp_avg.");
    }
  }

  /** An optimizer is the engine's only if it says so: values that are moved are the model's. */
  @Test
  void movedValues_areWhatTheModelPredictsWith() {
    OptimizerKind kind = Lion.DEFAULT;
    try (Trainable model = trainable(start());
        DeviceOptimizer own = model.optimizer(request(kind, 0, nothing())).orElseThrow()) {
      float[] before = model.predict(batch(0).inputs()).toFloatArray();
      step(own, kind, 0);
      float[] after = model.predict(batch(0).inputs()).toFloatArray();
      assertThat(after).isNotEqualTo(before);
      try (Trainable other = trainable(start())) {
        other.update(own.values());
        assertThat(requireNonNull(other.predict(batch(0).inputs())).toFloatArray())
            .isEqualTo(after);
      }
    }
  }
}
