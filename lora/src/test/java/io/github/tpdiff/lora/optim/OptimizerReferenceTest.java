package io.github.tpdiff.lora.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.withPrecision;
import static org.assertj.core.api.Assertions.within;

import io.github.tpdiff.lora.Parameter;
import io.github.tpdiff.lora.optim.LearningRate.Curve;
import io.github.tpdiff.lora.optim.LearningRate.Decay;
import io.github.tpdiff.runtime.optim.Adafactor;
import io.github.tpdiff.runtime.optim.AdamW;
import io.github.tpdiff.runtime.optim.AdamW8bit;
import io.github.tpdiff.runtime.optim.DynamicCode;
import io.github.tpdiff.runtime.optim.Lion;
import io.github.tpdiff.runtime.optim.OptimizerKind;
import io.github.tpdiff.runtime.optim.Prodigy;
import io.github.tpdiff.runtime.optim.Prodigy.Estimation;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.MemoryTensors;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.safetensors.SafetensorsFile;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The host's optimizers and schedules against the implementations that they are named after. */
final class OptimizerReferenceTest {
  private static final Path REFERENCE =
      Path.of("src/test/resources/optimizers/reference.safetensors");
  private static final int STEPS = 20;
  private static final int EVERY = 127;

  static Stream<Arguments> kinds() {
    return Stream.of(
        Arguments.of("adamw", new AdamW(0.9, 0.99, 1e-8, 0.05), 0.01),
        Arguments.of("adamw_8bit", new AdamW8bit(new AdamW(0.9, 0.99, 1e-8, 0.05)), 0.01),
        Arguments.of("adafactor", new Adafactor(1e-30, 0.05), 0.01),
        Arguments.of(
            "prodigy", new Prodigy(0.9, 0.999, 1e-8, 0, new Estimation(1e-6, 1, false, false)), 1),
        Arguments.of(
            "prodigy_advised",
            new Prodigy(0.9, 0.99, 1e-7, 0.05, new Estimation(1e-5, 2, true, true)),
            1),
        Arguments.of("lion", new Lion(0.9, 0.99, 0.05), 0.01));
  }

  /** To 1e-6 of the largest value of a tensor after a step; fp32 rounds to 6e-8 of each value. */
  @ParameterizedTest(name = "{0}")
  @MethodSource("kinds")
  void everyStep_matchesTheReference(String name, OptimizerKind kind, double base) {
    Map<String, Parameter> parameters = ReferenceGradients.start();
    Optimizer optimizer = Optimizer.fresh(kind, parameters);
    try (TensorSource reference = SafetensorsFile.open(REFERENCE)) {
      for (int step = 0; step < STEPS; step++) {
        double rate = base * Math.min(1, (step + 1) / 4.0);
        optimizer.step(parameters, ReferenceGradients.of(step), weight -> rate);
        for (Map.Entry<String, Parameter> tensor : parameters.entrySet()) {
          requireMatch(name + "." + tensor.getKey(), step, tensor.getValue().values(), reference);
        }
      }
    }
  }

  private static void requireMatch(String name, int step, float[] found, TensorSource reference) {
    float[] all = reference.floats(name);
    int count = all.length / STEPS;
    int every = name.endsWith("matrix") ? EVERY : 1;
    double largest = 0;
    for (int i = 0; i < count; i++) {
      largest = Math.max(largest, Math.abs(all[step * count + i]));
    }
    for (int i = 0; i < count; i++) {
      assertThat((double) found[i * every])
          .as("%s, step %d, value %d", name, step, i)
          .isCloseTo(all[step * count + i], within(1e-6 * largest));
    }
  }

  /** Its own last bits depend on how many numbers the machine adds at a time. */
  @Test
  void valuesOfCodes_areThoseOfBitsandbytes() {
    try (TensorSource reference = SafetensorsFile.open(REFERENCE)) {
      assertThat(DynamicCode.signed())
          .containsExactly(reference.floats("code.signed"), withPrecision(2e-7f));
      assertThat(DynamicCode.unsigned())
          .containsExactly(reference.floats("code.unsigned"), withPrecision(2e-7f));
    }
  }

  @Test
  void codesAfterAllSteps_areThoseOfBitsandbytes() {
    Map<String, Parameter> parameters = ReferenceGradients.start();
    var kind = new AdamW8bit(new AdamW(0.9, 0.99, 1e-8, 0.05));
    Optimizer optimizer = Optimizer.fresh(kind, parameters);
    for (int step = 0; step < STEPS; step++) {
      double rate = 0.01 * Math.min(1, (step + 1) / 4.0);
      optimizer.step(parameters, ReferenceGradients.of(step), weight -> rate);
    }
    try (TensorSource reference = SafetensorsFile.open(REFERENCE)) {
      for (String mean : List.of("exp_avg", "exp_avg_sq")) {
        ByteBuffer expected = reference.bytes("adamw_8bit." + mean);
        ByteBuffer found = optimizer.state().bytes(mean + ".matrix");
        assertThat(found.remaining()).isEqualTo(expected.remaining());
        assertThat(found).as(mean).isEqualTo(expected);
      }
    }
  }

  static Stream<Arguments> curves() {
    return Stream.of(
        Arguments.of("constant", Decay.CONSTANT, Curve.USUAL),
        Arguments.of("linear", Decay.LINEAR, Curve.USUAL),
        Arguments.of("linear_floor", Decay.LINEAR, new Curve(1, 1, 0.25)),
        Arguments.of("cosine", Decay.COSINE, Curve.USUAL),
        Arguments.of("cosine_restarts", Decay.COSINE_RESTARTS, new Curve(3, 1, 0)),
        Arguments.of("polynomial", Decay.POLYNOMIAL, new Curve(1, 2, 0.25)));
  }

  /** Whose warm-up begins at 0, where ours begins a step later. */
  @ParameterizedTest(name = "{0}")
  @MethodSource("curves")
  void ratesOfAllSteps_areThoseOfDiffusers(String name, Decay decay, Curve curve) {
    var rate = new LearningRate(2, 5, decay, 40, curve);
    try (TensorSource reference = SafetensorsFile.open(REFERENCE)) {
      float[] expected = reference.floats("rate." + name);
      for (int step = 0; step < 5; step++) {
        assertThat(rate.at(step)).isCloseTo(expected[step + 1], within(1e-6));
      }
      for (int step = 5; step <= 40; step++) {
        assertThat(rate.at(step)).as("step " + step).isCloseTo(expected[step], within(1e-6));
      }
    }
  }

  @Test
  void stateOfAnotherType_isRefusedByName() {
    var large = Map.of("w", new Parameter(List.of(4096L), new float[4096]));
    TensorSource inFull = Optimizer.fresh(AdamW.DEFAULT, large).state();
    assertThatThrownBy(() -> Optimizer.resumed(AdamW8bit.DEFAULT, large, 1, inFull))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("tensor 'exp_avg.w': expected U8 [4096], found F32 [4096]");
    var empty = MemoryTensors.builder().addFloats("other", List.of(1L), 0).build();
    assertThatThrownBy(() -> Optimizer.resumed(Lion.DEFAULT, large, 1, empty))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("tensor 'exp_avg.w' is missing");
  }
}
