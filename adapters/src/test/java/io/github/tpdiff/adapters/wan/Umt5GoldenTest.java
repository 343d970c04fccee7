package io.github.tpdiff.adapters.wan;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.tpdiff.adapters.Golden;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.pipeline.Role;
import io.github.tpdiff.runtime.reference.ReferenceEngine;
import java.util.Arrays;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class Umt5GoldenTest {

  /** Sharded fp32 in transformers' layout; a bf16 pickle without configuration in the authors'. */
  @ParameterizedTest
  @ValueSource(strings = {"text-encoder", "text-encoder-original"})
  void embeddings_matchPublishedImplementations(String name) {
    try (var golden = Golden.open("wan/" + name)) {
      var components = WanComponents.openTextEncoder(golden.checkpoint());
      var component = Objects.requireNonNull(components.get(Role.TEXT_ENCODER));
      Tensor mask = golden.tensor("in.attention_mask");
      try (var engine = new ReferenceEngine();
          var executable = engine.load(component.program(), component.weights())) {
        Tensor states =
            executable
                .run(Map.of("input_ids", golden.tensor("in.input_ids"), "attention_mask", mask))
                .get("last_hidden_state");
        golden.assertMatches("out.prompt_embeds", masked(Objects.requireNonNull(states), mask));
      }
      component.weights().close();
    }
  }

  private static Tensor masked(Tensor states, Tensor mask) {
    float[] values = states.toFloatArray();
    int width = (int) states.shape()[2];
    for (int i = 0; i < values.length; i++) {
      values[i] *= mask.longs().get(i / width);
    }
    return Tensor.ofFloats(values, states.shape());
  }

  /** Values of the published bucket function at both of its ends and at its corners. */
  @Test
  void buckets_matchPublishedValues() {
    var config = new Umt5Config(10, 8, 1, 1, 8, 8, 32, 128, 1e-6);
    int[] relative = {
      -200, -128, -127, -64, -20, -16, -15, -9, -8, -7, -1, 0, 1, 7, 8, 9, 15, 16, 20, 64, 127, 128,
      200
    };
    var buckets = Arrays.stream(relative).map(config::bucket).boxed().toList();
    assertEquals(
        java.util.List.of(
            15, 15, 15, 14, 10, 10, 9, 8, 8, 7, 1, 0, 17, 23, 24, 24, 25, 26, 26, 30, 31, 31, 31),
        buckets);
  }
}
