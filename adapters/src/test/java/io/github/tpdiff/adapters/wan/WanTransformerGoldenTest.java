package io.github.tpdiff.adapters.wan;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import io.github.tpdiff.adapters.Golden;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.model.Component;
import io.github.tpdiff.runtime.model.ComponentDescription;
import io.github.tpdiff.runtime.reference.ReferenceEngine;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class WanTransformerGoldenTest {

  /** Two samples with a timestep each; the second is image-to-video in the authors' layout. */
  @ParameterizedTest
  @ValueSource(strings = {"transformer-t2v", "transformer-i2v-original"})
  void forward_matchesDiffusers(String name) {
    try (var golden = Golden.open("wan/" + name)) {
      golden.assertMatches("out.sample", forward(golden, ""));
    }
  }

  @Test
  void forward_matchesTheOriginalCode() {
    try (var golden = Golden.open("wan/transformer-i2v-original")) {
      golden.assertMatches("out.sample_original", forward(golden, ""));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"stride1", "stride2", "stride4"})
  void forward_takesTemporalPositionsFromOutside(String run) {
    try (var golden = Golden.open("wan/rope-positions")) {
      golden.assertMatches("out." + run + ".sample", forward(golden, run + "."));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"scaled2", "scaled124"})
  void forward_takesPositionsOfRowsAndColumnsFromOutside(String run) {
    try (var golden = Golden.open("wan/rope-space")) {
      golden.assertMatches("out." + run + ".sample", forward(golden, run + "."));
    }
  }

  /** Engines compile what is equal but for names once. */
  @Test
  void blocks_differInNamesOnly() {
    var segments = new WanTransformer(WanSizes.tiny().transformer()).denoiser().segments();
    assertEquals(nameless(segments.get(1)), nameless(segments.get(2)));
    assertNotEquals(nameless(segments.get(0)), nameless(segments.get(1)));
  }

  private static List<String> nameless(Graph graph) {
    return graph.nodes().stream()
        .map(node -> node.toString().replaceAll("blocks\\.[0-9]+", "blocks.i"))
        .toList();
  }

  private static Tensor forward(Golden golden, String run) {
    var components = WanComponents.openTransformer(golden.checkpoint());
    String in = "in." + run;
    Map<String, Tensor> prompt = new HashMap<>();
    prompt.put("encoder_hidden_states", golden.tensor(in + "encoder_hidden_states"));
    if (golden.has(in + "encoder_hidden_states_image")) {
      prompt.put("encoder_hidden_states_image", golden.tensor(in + "encoder_hidden_states_image"));
    }
    Map<String, Tensor> inputs =
        new HashMap<>(
            run(components, ComponentDescription.conditioning(WanFlow.TRANSFORMER), prompt));
    Tensor latents = golden.tensor(in + "hidden_states");
    int channels = (int) latents.shape()[1];
    inputs.put("hidden_states", channels(latents, 0, 16));
    if (channels > 16) {
      inputs.put("condition", channels(latents, 16, channels));
    }
    inputs.put("timestep", golden.floats(in + "timestep"));
    List<String> positions = List.of("temporal_positions", "row_positions", "column_positions");
    for (int axis = 0; axis < positions.size(); axis++) {
      String name = positions.get(axis);
      inputs.put(
          name, golden.has(in + name) ? golden.floats(in + name) : ramp(latents.shape()[2 + axis]));
    }
    Tensor sample = run(components, WanFlow.TRANSFORMER, inputs).get("out_hidden_states");
    components.values().forEach(c -> c.weights().close());
    return Objects.requireNonNull(sample);
  }

  private static Tensor channels(Tensor all, int from, int to) {
    long[] shape = all.shape();
    int clip = (int) (all.elementCount() / shape[0]);
    int channel = (int) (clip / shape[1]);
    int size = (to - from) * channel;
    var values = new float[(int) shape[0] * size];
    for (int b = 0; b < shape[0]; b++) {
      System.arraycopy(all.toFloatArray(), b * clip + from * channel, values, b * size, size);
    }
    shape[1] = (long) to - from;
    return Tensor.ofFloats(values, shape);
  }

  private static Tensor ramp(long count) {
    var values = new float[(int) count];
    for (int i = 0; i < values.length; i++) {
      values[i] = i;
    }
    return Tensor.ofFloats(values, count);
  }

  private static Map<String, Tensor> run(
      Map<String, Component> components, String name, Map<String, Tensor> inputs) {
    Component component = component(components, name);
    try (var engine = new ReferenceEngine();
        var executable = engine.load(component.program(), component.weights())) {
      return executable.run(inputs);
    }
  }

  private static Component component(Map<String, Component> components, String name) {
    return Objects.requireNonNull(components.get(name));
  }
}
