package io.github.tpdiff.lora.train;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import io.github.tpdiff.adapters.wan.WanFamily;
import io.github.tpdiff.lora.LoraInjection;
import io.github.tpdiff.lora.LoraModels;
import io.github.tpdiff.lora.Parameter;
import io.github.tpdiff.runtime.engine.Activations;
import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.model.Component;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.runtime.optim.AdamW;
import io.github.tpdiff.runtime.torch.TorchEngine;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.lora.LoraFile;
import io.github.tpdiff.weights.lora.LoraFormat;
import io.github.tpdiff.weights.lora.LoraWeights;
import io.github.tpdiff.weights.lora.LoraWriter;
import io.github.tpdiff.weights.safetensors.SafetensorsFile;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * DoRA and LoKr of the published transformer in miniature: folders that PEFT wrote, what it
 * computes and trains with them, and the weights that it merges them into.
 */
final class WanChangeTrainTest {
  private static final Path BASE = Path.of("src/test/resources/goldens/wan/lora-train");
  private static final Path CASE = Path.of("src/test/resources/goldens/wan/change-train");

  /** Of the largest number; measured below 1e-5. */
  private static final double LIMIT = 5e-5;

  @TempDir private Path folder;

  static Stream<Arguments> kindsAndActivations() {
    return Stream.of("dora", "lokr")
        .flatMap(kind -> Stream.of(Activations.values()).map(held -> Arguments.of(kind, held)));
  }

  @ParameterizedTest
  @MethodSource("kindsAndActivations")
  void lossGradientsAndSteps_matchPeft(String kind, Activations activations) {
    try (VideoModel model = new WanFamily().open(BASE);
        var engine = TorchEngine.cpu();
        TensorSource in = SafetensorsFile.open(BASE.resolve("io.safetensors"));
        TensorSource out = SafetensorsFile.open(CASE.resolve("io.safetensors"))) {
      var network = TrainingTarget.network(model);
      var lora = LoraFile.read(CASE.resolve(kind)).weights();
      var injection = LoraInjection.of(network.program(), lora, 1);
      var target = TrainingTarget.lora(injection, network.weights(), injection.parametersOf(lora));
      var steps =
          FixedBatchTraining.steps(
              target,
              engine,
              FixedBatchTraining.Batch.of(inputs(in), tensor(in, "in.target"), new int[2]),
              new FixedBatchTraining.Recipe(3, 1e-3, AdamW.DEFAULT, activations));
      float[] losses = out.floats("out." + kind + ".loss");
      float[] norms = out.floats("out." + kind + ".grad_norm");
      for (int i = 0; i < 3; i++) {
        assertThat(Math.abs(steps.get(i).loss() - losses[i])).isLessThan(LIMIT * losses[i]);
        assertThat(Math.abs(steps.get(i).gradientNorm() - norms[i])).isLessThan(LIMIT * norms[i]);
      }
      requireClose(steps.get(0).gradients(), out, "out." + kind + ".grad.");
      requireClose(steps.get(2).parameters(), out, "out." + kind + ".step3.");
    }
  }

  static void requireClose(Map<String, float[]> found, TensorSource out, String prefix) {
    assertThat(out.names().stream().filter(name -> name.startsWith(prefix)))
        .hasSameSizeAs(found.keySet());
    found.forEach((name, values) -> requireClose(values, out.floats(prefix + name), name));
  }

  private static void requireClose(float[] found, float[] wanted, String what) {
    assertThat(found).as(what).hasSameSizeAs(wanted);
    double largest = 0;
    for (float value : wanted) {
      largest = Math.max(largest, Math.abs(value));
    }
    for (int i = 0; i < wanted.length; i++) {
      assertThat(Math.abs((double) found[i] - wanted[i]))
          .as(what)
          .isLessThanOrEqualTo(LIMIT * largest);
    }
  }

  /** Beside the weights and merged into them. */
  @ParameterizedTest
  @ValueSource(strings = {"dora", "lokr"})
  void prediction_isPefts(String kind) {
    try (VideoModel model = new WanFamily().open(BASE);
        TensorSource in = SafetensorsFile.open(BASE.resolve("io.safetensors"));
        TensorSource out = SafetensorsFile.open(CASE.resolve("io.safetensors"))) {
      LoraWeights lora = LoraFile.read(CASE.resolve(kind)).weights();
      float[] wanted = out.floats("mid." + kind + ".prediction");
      Component beside = TrainingTarget.network(LoraModels.applied(model, lora, 1));
      Component merged = TrainingTarget.network(LoraModels.merged(model, lora, 1));
      try (Engine torch = TorchEngine.cpu()) {
        requireClose(run(torch, beside, in), wanted, "beside");
        requireClose(run(torch, merged, in), wanted, "merged");
      }
    }
  }

  private static float[] run(Engine engine, Component network, TensorSource in) {
    try (var loaded = engine.load(network.program(), network.weights())) {
      return loaded.run(inputs(in)).values().iterator().next().toFloatArray();
    }
  }

  @ParameterizedTest
  @CsvSource({
    "dora, DIFFUSERS", "dora, PEFT", "dora, COMFYUI", "dora, KOHYA",
    "lokr, DIFFUSERS", "lokr, PEFT", "lokr, COMFYUI", "lokr, KOHYA"
  })
  void mergedWeights_arePefts_fromAFileOfEveryForm(String kind, LoraFormat format) {
    Path file = folder.resolve("out");
    LoraWriter.write(file, LoraFile.read(CASE.resolve(kind)).weights(), format, DType.F32);
    LoraWeights lora = LoraFile.read(file).weights();
    try (VideoModel model = new WanFamily().open(BASE);
        TensorSource out = SafetensorsFile.open(CASE.resolve("io.safetensors"))) {
      TensorSource merged = TrainingTarget.network(LoraModels.merged(model, lora, 1)).weights();
      TensorSource half = TrainingTarget.network(LoraModels.merged(model, lora, 0.5)).weights();
      TensorSource base = TrainingTarget.network(model).weights();
      assertThat(lora.layers()).hasSize(4);
      for (String layer : lora.layers().keySet()) {
        float[] wanted = out.floats("merged." + kind + "." + layer + ".weight");
        float[] found = merged.floats(layer + ".weight");
        float[] before = base.floats(layer + ".weight");
        float[] between = half.floats(layer + ".weight");
        for (int i = 0; i < wanted.length; i++) {
          assertThat(found[i]).as(layer).isCloseTo(wanted[i], within(2e-6f));
          assertThat(between[i]).as(layer).isCloseTo((before[i] + wanted[i]) / 2, within(2e-6f));
        }
      }
    }
  }

  @Test
  void mergedWeights_areLycoris_ofItsFile() {
    LoraFile file = LoraFile.read(CASE.resolve("lycoris/lycoris.safetensors"));
    assertThat(file.ignored()).isEmpty();
    try (VideoModel model = new WanFamily().open(BASE);
        TensorSource out = SafetensorsFile.open(CASE.resolve("lycoris/merged.safetensors"))) {
      TensorSource merged =
          TrainingTarget.network(LoraModels.merged(model, file.weights(), 1)).weights();
      assertThat(file.weights().layers()).hasSize(4);
      for (String layer : file.weights().layers().keySet()) {
        float[] wanted = out.floats("merged." + layer + ".weight");
        float[] found = merged.floats(layer + ".weight");
        for (int i = 0; i < wanted.length; i++) {
          assertThat(found[i]).as(layer).isCloseTo(wanted[i], within(2e-6f));
        }
      }
    }
  }

  /** Half of the change beside the weights is half of it in them. */
  @ParameterizedTest
  @ValueSource(strings = {"dora", "lokr"})
  void strength_isTheSameBesideAndMerged(String kind) {
    try (VideoModel model = new WanFamily().open(BASE);
        Engine torch = TorchEngine.cpu();
        TensorSource in = SafetensorsFile.open(BASE.resolve("io.safetensors"))) {
      LoraWeights lora = LoraFile.read(CASE.resolve(kind)).weights();
      Component beside = TrainingTarget.network(LoraModels.applied(model, lora, 0.5));
      Component merged = TrainingTarget.network(LoraModels.merged(model, lora, 0.5));
      requireClose(run(torch, beside, in), run(torch, merged, in), kind);
    }
  }

  /** First values change nothing, and have the names that files have. */
  @ParameterizedTest
  @ValueSource(strings = {"dora", "lokr"})
  void freshChange_leavesThePredictionAsItIs(String kind) {
    try (VideoModel model = new WanFamily().open(BASE);
        Engine torch = TorchEngine.cpu();
        TensorSource in = SafetensorsFile.open(BASE.resolve("io.safetensors"))) {
      Component network = TrainingTarget.network(model);
      var lora = LoraFile.read(CASE.resolve(kind)).weights();
      var injection = LoraInjection.of(network.program(), lora, 1);
      Map<String, Parameter> fresh = injection.freshParameters(3, network.weights());
      assertThat(fresh.keySet()).isEqualTo(injection.parametersOf(lora).keySet());
      var changed =
          new Component(
              "transformer",
              injection.program(),
              network.weights().overlaid(Parameter.source(fresh)));
      requireClose(run(torch, changed, in), run(torch, network, in), kind);
      LoraWeights written = injection.toWeights("transformer", fresh, Map.of());
      assertThat(written.layers().keySet()).isEqualTo(lora.layers().keySet());
    }
  }

  static Map<String, Tensor> inputs(TensorSource io) {
    Tensor latents = tensor(io, "in.hidden_states");
    return Map.of(
        "hidden_states", latents,
        "timestep", tensor(io, "in.timestep"),
        "temporal_positions", counted(latents.shape()[2]),
        "row_positions", counted(latents.shape()[3]),
        "column_positions", counted(latents.shape()[4]),
        "encoder_hidden_states", tensor(io, "in.encoder_hidden_states"));
  }

  private static Tensor counted(long places) {
    var positions = new float[(int) places];
    for (int i = 0; i < positions.length; i++) {
      positions[i] = i;
    }
    return Tensor.ofFloats(positions, places);
  }

  static Tensor tensor(TensorSource io, String name) {
    List<Long> shape = requireNonNull(io.require(name)).shape();
    return Tensor.ofFloats(io.floats(name), shape.stream().mapToLong(Long::longValue).toArray());
  }

  private static org.assertj.core.data.Offset<Float> within(float offset) {
    return org.assertj.core.data.Offset.offset(offset);
  }
}
