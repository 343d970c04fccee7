package io.github.tpdiff.lora.optim;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.tpdiff.lora.Parameter;
import io.github.tpdiff.runtime.optim.AdamW;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.safetensors.SafetensorsFile;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class AdamWTest {
  private static final Path CASE = Path.of("src/test/resources/goldens/numerics/adamw");

  @Test
  void everyStepOfEveryRun_matchesTorch() throws Exception {
    JsonNode args = new ObjectMapper().readTree(CASE.resolve("case.json").toFile());
    double tolerance = args.get("tolerance").get("fp32").asDouble();
    try (TensorSource io = SafetensorsFile.open(CASE.resolve("io.safetensors"))) {
      assertThat(args.get("args").get("runs")).isNotEmpty();
      for (JsonNode run : args.get("args").get("runs")) {
        requireMatch(run, io, tolerance);
      }
    }
  }

  private static void requireMatch(JsonNode run, TensorSource io, double tolerance) {
    String name = run.get("name").asText();
    float[] values = io.floats("in.initial");
    var trained = Map.of("w", new Parameter(List.of((long) values.length), values));
    Optimizer optimizer =
        Optimizer.fresh(
            new AdamW(
                run.get("betas").get(0).asDouble(),
                run.get("betas").get(1).asDouble(),
                run.get("eps").asDouble(),
                run.get("weight_decay").asDouble()),
            trained);
    float[] gradients = io.floats("in.gradients");
    float[] expected = io.floats("out." + name + ".params");
    int size = values.length;
    for (int step = 0; step < expected.length / size; step++) {
      float[] gradient = Arrays.copyOfRange(gradients, step * size, (step + 1) * size);
      if (run.has("max_grad_norm")) {
        double norm = GradientNorm.clip(List.of(gradient), run.get("max_grad_norm").asDouble());
        float wanted = io.floats("out." + name + ".norm_before_clipping")[step];
        assertThat(norm).as("norm, step " + step).isCloseTo(wanted, within(wanted * tolerance));
      }
      optimizer.step(trained, Map.of("w", gradient), weight -> run.get("lr").asDouble());
      float[] after = Arrays.copyOfRange(expected, step * size, (step + 1) * size);
      double limit = tolerance * largest(after);
      for (int i = 0; i < size; i++) {
        assertThat((double) values[i])
            .as("%s, step %d, value %d", name, step, i)
            .isCloseTo(after[i], within(limit));
      }
    }
  }

  private static org.assertj.core.data.Offset<Double> within(double limit) {
    return org.assertj.core.data.Offset.offset(limit);
  }

  private static double largest(float[] values) {
    double largest = 0;
    for (float value : values) {
      largest = Math.max(largest, Math.abs(value));
    }
    return largest;
  }

  @Test
  void learningRate_risesOverTheWarmUpThenFollowsItsCurve() {
    var cosine = new LearningRate(2, 4, LearningRate.Decay.COSINE, 12);
    assertThat(cosine.at(0)).isEqualTo(0.5);
    assertThat(cosine.at(3)).isEqualTo(2);
    assertThat(cosine.at(4)).isEqualTo(2);
    assertThat(cosine.at(8)).isCloseTo(1, within(1e-12));
    assertThat(cosine.at(12)).isCloseTo(0, within(1e-12));
    var linear = new LearningRate(2, 0, LearningRate.Decay.LINEAR, 4);
    assertThat(linear.at(0)).isEqualTo(2);
    assertThat(linear.at(3)).isEqualTo(0.5);
    assertThat(LearningRate.constant(3).at(1000)).isEqualTo(3);
  }
}
