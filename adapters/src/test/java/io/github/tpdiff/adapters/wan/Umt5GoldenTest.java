package io.github.tpdiff.adapters.wan;

import io.github.tpdiff.adapters.Golden;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.reference.ReferenceEngine;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class Umt5GoldenTest {

  /** Sharded fp32 in transformers' layout; a bf16 pickle without configuration in the authors'. */
  @ParameterizedTest
  @ValueSource(strings = {"text-encoder", "text-encoder-original"})
  void embeddings_matchPublishedImplementations(String name) {
    try (var golden = Golden.open("wan/" + name)) {
      var components = WanComponents.openTextEncoder(golden.checkpoint());
      var component = Objects.requireNonNull(components.get(WanFlow.TEXT_ENCODER));
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
}
