package io.github.tpdiff.adapters;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.graph.Value;
import io.github.tpdiff.runtime.onnx.OnnxDevice;
import io.github.tpdiff.runtime.onnx.OnnxEngine;
import io.github.tpdiff.runtime.torch.TorchEngine;
import io.github.tpdiff.weights.MemoryTensors;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class RotaryAnglesTest {
  /** Seven patches of three: sevenths of thirds are not exact in floating point. */
  @ParameterizedTest
  @CsvSource({"1, 1", "2, 1", "3, 1", "2, 4", "3, 5"})
  void tokensOfLatentsAtMultiplesOfAStride_areAtThatStride_bitForBit(int patch, int stride) {
    try (Engine torch = TorchEngine.cpu();
        Engine onnx = OnnxEngine.on(OnnxDevice.CPU)) {
      for (Engine engine : List.of(torch, onnx)) {
        // A latent behind the last whole patch is of no token.
        float[] found = tokens(engine, patch, multiples(7 * patch + patch / 2, stride));
        assertThat(found).isEqualTo(multiples(7, stride));
      }
    }
  }

  private static float[] multiples(int count, int stride) {
    var values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = i * stride;
    }
    return values;
  }

  private static float[] tokens(Engine engine, int patch, float[] positions) {
    Value latents = Value.input("positions", "height");
    Value tokens = RotaryAngles.ofPatches(latents, latents.dim(0).dividedBy(patch), patch);
    var program =
        new Program("tokens", List.of(Graph.of("tokens", "y", tokens.times(1))), List.of("y"));
    var weights = MemoryTensors.builder().build();
    try (var executable = engine.load(program, weights)) {
      Map<String, Tensor> inputs =
          Map.of("positions", Tensor.ofFloats(positions, positions.length));
      return Objects.requireNonNull(executable.run(inputs).get("y")).toFloatArray();
    }
  }
}
