package io.github.tpdiff.adapters.animatediff;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import io.github.tpdiff.adapters.Golden;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.model.Component;
import io.github.tpdiff.runtime.model.ComponentDescription;
import io.github.tpdiff.runtime.reference.ReferenceEngine;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

final class UnetMotionModelTest {

  @ParameterizedTest
  @ValueSource(strings = {"stride2", "stride4"})
  void forward_takesPositionsFromOutsideAndMatchesDiffusers(String run) {
    try (var golden = Golden.open("animatediff/pe-positions")) {
      Map<String, Tensor> inputs = inputs(golden, "in." + run + ".");
      golden.assertMatches("out." + run + ".sample", forward(golden, inputs));
    }
  }

  /** The authors' file, under their code's conventions and under diffusers'. */
  @ParameterizedTest
  @EnumSource(NormConvention.class)
  void originalModules_runUnderEveryConventionOfNorms(NormConvention norms) {
    try (var golden = Golden.open("animatediff/motion-module-original")) {
      Path motion = golden.checkpoint().resolveSibling("mm_module_prefix.ckpt");
      var network = AnimateDiffComponents.openUnet(golden.checkpoint(), motion, norms, Map.of());
      golden.assertMatches(
          "out." + norms.text() + ".sample", forward(network, inputs(golden, "in.")));
    }
  }

  @Test
  void originalModules_runAsTheirAuthorsDoUnlessToldOtherwise() {
    try (var golden = Golden.open("animatediff/motion-module-original")) {
      Path motion = golden.checkpoint().resolveSibling("mm_module_prefix.ckpt");
      var network = AnimateDiffComponents.openUnet(golden.checkpoint(), motion);
      golden.assertMatches("out.original.sample", forward(network, inputs(golden, "in.")));
    }
  }

  /** 5 rows become 3 on the way down and 6 on the way up; diffusers interpolates back to 5. */
  @Test
  void oddSizes_comeBackAsTheyWere() {
    try (var golden = Golden.open("animatediff/pe-positions")) {
      Map<String, Tensor> inputs = inputs(golden, "in.stride4.");
      inputs.put("hidden_states", Tensor.zeros(1, 4, 4, 5, 3));
      assertArrayEquals(new long[] {1, 4, 4, 5, 3}, forward(golden, inputs).shape());
    }
  }

  private static Map<String, Tensor> inputs(Golden golden, String in) {
    var inputs = new HashMap<String, Tensor>();
    Tensor latents = golden.tensor(in + "sample");
    inputs.put("hidden_states", latents);
    var timesteps = new float[(int) latents.shape()[0]];
    Arrays.fill(timesteps, golden.floats(in + "timestep").floats().get(0));
    inputs.put("timestep", Tensor.ofFloats(timesteps, timesteps.length));
    inputs.put(
        "temporal_positions",
        golden.has(in + "temporal_positions")
            ? golden.floats(in + "temporal_positions")
            : ramp(latents.shape()[2]));
    inputs.put("encoder_hidden_states", golden.tensor(in + "encoder_hidden_states"));
    return inputs;
  }

  private static Tensor ramp(long count) {
    var values = new float[(int) count];
    for (int i = 0; i < values.length; i++) {
      values[i] = i;
    }
    return Tensor.ofFloats(values, count);
  }

  private static Tensor forward(Golden golden, Map<String, Tensor> inputs) {
    return forward(
        AnimateDiffComponents.openUnet(
            golden.checkpoint(), golden.checkpoint().resolveSibling("motion_adapter")),
        inputs);
  }

  private static Tensor forward(Map<String, Component> components, Map<String, Tensor> inputs) {
    try {
      var all = new HashMap<>(inputs);
      all.putAll(run(components, ComponentDescription.conditioning(AnimateDiffFlow.UNET), all));
      return Objects.requireNonNull(
          run(components, AnimateDiffFlow.UNET, all).get("out_hidden_states"));
    } finally {
      components.values().forEach(component -> component.weights().close());
    }
  }

  private static Map<String, Tensor> run(
      Map<String, Component> components, String name, Map<String, Tensor> inputs) {
    Component component = Objects.requireNonNull(components.get(name));
    try (var engine = new ReferenceEngine();
        var executable = engine.load(component.program(), component.weights())) {
      var own = new HashMap<>(inputs);
      own.keySet().retainAll(executable.inputNames());
      return executable.run(own);
    }
  }
}
