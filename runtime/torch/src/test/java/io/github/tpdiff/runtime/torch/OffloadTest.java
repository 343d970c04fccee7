package io.github.tpdiff.runtime.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tpdiff.runtime.engine.Activations;
import io.github.tpdiff.runtime.engine.DeviceOptimizer;
import io.github.tpdiff.runtime.engine.Executable;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.engine.Trainable;
import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.Op;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.graph.Value;
import io.github.tpdiff.runtime.optim.AdamW;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.MemoryTensors;
import io.github.tpdiff.weights.Quantization;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.checkpoint.Checkpoint;
import io.github.tpdiff.weights.safetensors.SafetensorsWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Training and running with frozen weights brought by segment, against holding all of them. */
class OffloadTest {
  private static final TorchEngine ENGINE = TorchEngine.cpu();
  private static final int BLOCKS = 4;
  private static final Tensor TARGET = random(99, 1, 5, 8);
  private static final Map<String, Tensor> INPUTS = Map.of("x", random(1, 1, 5, 8));

  @TempDir private Path folder;
  private TensorSource checkpoint;

  @BeforeEach
  void write() {
    var builder = MemoryTensors.builder();
    builder.addFloats("odd", List.of(1L), new float[1]); // what follows lies at odd places
    program()
        .weights()
        .forEach(
            (name, value) -> {
              long[] shape = value.shape().evaluate(Map.of());
              builder.addFloats(
                  name,
                  Arrays.stream(shape).boxed().toList(),
                  random(name.hashCode(), shape).toFloatArray());
            });
    SafetensorsWriter.write(folder.resolve("w.safetensors"), builder.build());
    checkpoint = Checkpoint.open(folder.resolve("w.safetensors"));
  }

  @AfterEach
  void close() {
    checkpoint.close();
  }

  /** An entry with nothing trained, blocks with a shared table, and a head. */
  private static Program program() {
    var segments = new ArrayList<Graph>();
    segments.add(Graph.of("in", "h", Value.input("x", 1, 5, 8).linear(Value.weight("in.w", 8, 8))));
    for (int i = 0; i < BLOCKS; i++) {
      String name = "block" + i;
      Value h = Value.input("h", 1, 5, 8);
      Value u = h.layerNorm(1e-5).times(Value.weight("shared", 8));
      Value mixed = u.attention(new Op.Attention(2, 0.7), changed(u, name + ".k"), u);
      Value up = changed(h.plus(mixed).rmsNorm(1e-5, Value.weight(name + ".norm", 8)), name + ".f");
      segments.add(Graph.of(name, "h", h.plus(up.geluTanh())));
    }
    Value h = Value.input("h", 1, 5, 8);
    segments.add(Graph.of("out", "y", h.linear(Value.weight("out.w", 8, 8))));
    return new Program("p", segments, List.of("y"));
  }

  private static Value changed(Value x, String name) {
    Value y = x.linear(Value.weight(name + ".w", 8, 8), Value.weight(name + ".bias", 8));
    return y.plus(
        x.linear(Value.weight(name + ".lora_A", 2, 8))
            .linear(Value.weight(name + ".lora_B", 8, 2)));
  }

  private static Set<String> trained() {
    return program().weights().keySet().stream()
        .filter(name -> name.contains("lora"))
        .collect(Collectors.toSet());
  }

  private static Tensor random(long seed, long... shape) {
    var random = new Random(seed);
    var values = new float[(int) Arrays.stream(shape).reduce(1, (a, b) -> a * b)];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return Tensor.ofFloats(values, shape);
  }

  private static float[] values(Map<String, Tensor> tensors, String name) {
    return Objects.requireNonNull(tensors.get(name)).toFloatArray();
  }

  private TensorSource held(String form) {
    var products =
        program().weights().keySet().stream()
            .filter(name -> name.endsWith(".w"))
            .collect(Collectors.toSet());
    return switch (form) {
      case "bf16" -> checkpoint.inBf16(products);
      case "fp8" -> checkpoint.quantized(products, Quantization.E4M3_TENSOR);
      default -> checkpoint;
    };
  }

  static Stream<Arguments> formsAndActivations() {
    return Stream.of("stored", "bf16", "fp8")
        .flatMap(form -> Stream.of(Activations.values()).map(kept -> Arguments.of(form, kept)));
  }

  /** All that a few steps show: losses, predictions, gradients, then values. */
  private static List<float[]> steps(Trainable model) {
    var seen = new ArrayList<float[]>();
    var request =
        new DeviceOptimizer.Request(
            AdamW.DEFAULT, Optional.empty(), 0, MemoryTensors.builder().build());
    for (int i = 0; i < 2; i++) {
      Trainable.Gradients found = model.gradients(INPUTS, TARGET);
      seen.add(new float[] {(float) found.loss(), (float) model.loss(INPUTS, TARGET)});
      seen.add(found.prediction().toFloatArray());
      assertThat(found.prediction().toFloatArray()).isEqualTo(model.predict(INPUTS).toFloatArray());
      trained().stream().sorted().forEach(name -> seen.add(values(found.gradients(), name)));
    }
    try (DeviceOptimizer optimizer = model.optimizer(request).orElseThrow()) {
      var batch = new DeviceOptimizer.Batch(INPUTS, TARGET, Trainable.alike(TARGET));
      for (int i = 0; i < 3; i++) {
        seen.add(new float[] {(float) optimizer.add(batch, 1)});
        optimizer.step(1, name -> 1e-2);
      }
      new LinkedHashMap<>(optimizer.values())
          .entrySet().stream()
              .sorted(Map.Entry.comparingByKey())
              .forEach(value -> seen.add(value.getValue().toFloatArray()));
    }
    return seen;
  }

  @ParameterizedTest
  @MethodSource("formsAndActivations")
  void steps_areThoseOfHoldingAllWeights_bitForBit(String form, Activations activations) {
    List<float[]> expected;
    int heldWithout;
    try (TorchTrainable model =
        ENGINE.trainProgram(program(), held(form), trained(), activations)) {
      expected = steps(model);
      heldWithout = model.heldTensors();
    }
    try (TorchTrainable model =
        ENGINE.offloading(true).trainProgram(program(), held(form), trained(), activations)) {
      List<float[]> found = steps(model);
      assertThat(found).hasSameSizeAs(expected);
      for (int i = 0; i < found.size(); i++) {
        assertThat(found.get(i)).as("%d", i).isEqualTo(expected.get(i));
      }
      // A step ends with the entry's weight and the five of the first block, where the next begins.
      assertThat(model.heldTensors()).isEqualTo(heldWithout + 1 + 5);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"stored", "bf16", "fp8"})
  void runs_areThoseOfHoldingAllWeights_bitForBit(String form) {
    try (Executable expected = ENGINE.load(program(), held(form));
        Executable found = ENGINE.offloading(true).load(program(), held(form))) {
      for (int i = 0; i < 3; i++) {
        Map<String, Tensor> inputs = Map.of("x", random(i, 1, 5, 8));
        assertThat(values(found.run(inputs), "y")).isEqualTo(values(expected.run(inputs), "y"));
      }
    }
  }

  @Test
  void weightThatIsNotFinite_isRefusedByName_whereverItIsBrought() {
    var nan = new float[64];
    nan[5] = Float.NaN;
    TensorSource broken =
        checkpoint
            .overlaid(MemoryTensors.builder().addFloats("block2.f.w", List.of(8L, 8L), nan).build())
            .quantized(Set.of("block2.f.w"), Quantization.E4M3_TENSOR);
    try (Trainable model =
        ENGINE.offloading(true).train(program(), broken, trained(), Activations.KEPT)) {
      for (int i = 0; i < 2; i++) {
        assertThatThrownBy(() -> model.gradients(INPUTS, TARGET))
            .isInstanceOf(CheckpointException.class)
            .hasMessageContaining("block2.f.w");
      }
    }
  }

  @Test
  void fileThatChanges_isNoticedBeforeItIsBrought() throws IOException {
    try (Trainable model =
        ENGINE.offloading(true).train(program(), checkpoint, trained(), Activations.KEPT)) {
      model.gradients(INPUTS, TARGET);
      Files.write(folder.resolve("w.safetensors"), new byte[0]);
      assertThatThrownBy(() -> model.gradients(INPUTS, TARGET))
          .isInstanceOf(CheckpointException.class)
          .hasMessageContaining("w.safetensors");
    }
  }
}
