package io.github.tpdiff.lora.train;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.tpdiff.adapters.wan.WanFamily;
import io.github.tpdiff.lora.LoraInjection;
import io.github.tpdiff.runtime.engine.Activations;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.optim.AdamW;
import io.github.tpdiff.runtime.torch.TorchEngine;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.lora.LoraFile;
import io.github.tpdiff.weights.safetensors.SafetensorsFile;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Training the published transformer in miniature, against diffusers, PEFT and torch's AdamW. */
final class WanLoraTrainTest {
  private static final Path CASE = Path.of("src/test/resources/goldens/wan/lora-train");

  @ParameterizedTest
  @ValueSource(strings = {"random/lora", "fresh/lora-fresh"})
  void lossGradientsAndSteps_matchUpstream(String runAndFolder) throws Exception {
    String run = runAndFolder.substring(0, runAndFolder.indexOf('/'));
    String folder = runAndFolder.substring(run.length() + 1);
    JsonNode tolerance =
        new ObjectMapper().readTree(CASE.resolve("case.json").toFile()).get("tolerance");
    try (var model = new WanFamily().open(CASE);
        var engine = TorchEngine.cpu();
        TensorSource io = SafetensorsFile.open(CASE.resolve("io.safetensors"))) {
      var network = TrainingTarget.network(model);
      var lora = LoraFile.read(CASE.resolve(folder)).weights();
      var injection = LoraInjection.of(network.program(), lora, 1);
      var target = TrainingTarget.lora(injection, network.weights(), injection.parametersOf(lora));
      var steps =
          FixedBatchTraining.steps(
              target,
              engine,
              FixedBatchTraining.Batch.of(inputs(io), tensor(io, "in.target"), new int[2]),
              new FixedBatchTraining.Recipe(3, 1e-3, AdamW.DEFAULT, Activations.KEPT));
      check(run, steps, io, tolerance);
    }
  }

  private static Map<String, Tensor> inputs(TensorSource io) {
    Tensor latents = tensor(io, "in.hidden_states");
    return Map.of(
        "hidden_states", latents,
        "timestep", tensor(io, "in.timestep"),
        "temporal_positions", Tensor.ofFloats(new float[] {0, 1, 2}, 3),
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

  private static Tensor tensor(TensorSource io, String name) {
    return Tensor.ofFloats(
        io.floats(name), io.require(name).shape().stream().mapToLong(Long::longValue).toArray());
  }

  private static void check(
      String run, List<FixedBatchTraining.StepRecord> steps, TensorSource io, JsonNode tolerance) {
    double limit = tolerance.get("fp32").asDouble();
    String prefix = "out." + run;
    float[] losses = io.floats(prefix + ".loss");
    float[] norms = io.floats(prefix + ".grad_norm");
    for (int i = 0; i < 3; i++) {
      assertThat(Math.abs(steps.get(i).loss() - losses[i])).isLessThan(limit * losses[i]);
      assertThat(Math.abs(steps.get(i).gradientNorm() - norms[i])).isLessThan(limit * norms[i]);
    }
    assertThat(steps.get(0).gradients()).hasSize(40);
    steps
        .get(0)
        .gradients()
        .forEach(
            (name, gradient) -> {
              float[] wanted = io.floats(prefix + ".grad.transformer." + name);
              double largest = 0;
              for (float value : wanted) {
                largest = Math.max(largest, Math.abs(value));
              }
              assertThat(largestDifference(gradient, wanted))
                  .as(name)
                  .isLessThanOrEqualTo(limit * largest);
            });
    for (int step : new int[] {1, 3}) {
      double squares = 0;
      double most = 0;
      long count = 0;
      for (Map.Entry<String, float[]> entry : steps.get(step - 1).parameters().entrySet()) {
        float[] wanted = io.floats(prefix + ".step" + step + ".transformer." + entry.getKey());
        float[] found = requireNonNull(entry.getValue());
        most = Math.max(most, largestDifference(found, wanted));
        for (int i = 0; i < wanted.length; i++) {
          squares += Math.pow((double) found[i] - wanted[i], 2);
        }
        count += wanted.length;
      }
      assertThat(Math.sqrt(squares / count))
          .as("rms of step " + step)
          .isLessThan(tolerance.get("steps_rms_abs").asDouble());
      assertThat(most).as("step " + step).isLessThan(tolerance.get("steps_max_abs").asDouble());
    }
  }

  private static double largestDifference(float[] a, float[] b) {
    assertThat(a).hasSameSizeAs(b);
    double most = 0;
    for (int i = 0; i < a.length; i++) {
      most = Math.max(most, Math.abs((double) a[i] - b[i]));
    }
    return most;
  }
}
