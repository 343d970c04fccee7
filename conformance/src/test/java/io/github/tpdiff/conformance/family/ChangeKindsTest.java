package io.github.tpdiff.conformance.family;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.tpdiff.lora.LoraConfig;
import io.github.tpdiff.lora.LoraInjection;
import io.github.tpdiff.lora.ModulePattern;
import io.github.tpdiff.lora.Parameter;
import io.github.tpdiff.runtime.diffusion.TorchRandom;
import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.Op;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.graph.Value;
import io.github.tpdiff.runtime.onnx.OnnxDevice;
import io.github.tpdiff.runtime.onnx.OnnxEngine;
import io.github.tpdiff.runtime.onnx.OnnxFlavour;
import io.github.tpdiff.runtime.reference.ReferenceEngine;
import io.github.tpdiff.runtime.torch.TorchEngine;
import io.github.tpdiff.weights.MemoryTensors;
import io.github.tpdiff.weights.TensorSource;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every kind of change of a layer on every engine, against the plain-Java reference. */
final class ChangeKindsTest {
  static Stream<LoraConfig.Kind> kinds() {
    return Stream.of(new LoraConfig.Lora(), new LoraConfig.Dora(), new LoraConfig.Lokr(3));
  }

  /** A linear layer with a bias, one without, and a convolution. */
  private static Program program() {
    Value x = Value.input("x", "batch", "tokens", 6);
    Value h = x.linear(Value.weight("first.weight", 12, 6), Value.weight("first.bias", 12)).silu();
    Value y = h.linear(Value.weight("second.weight", 9, 12));
    var conv = new Op.Conv(List.of(1), List.of(1), List.of(1));
    Value z =
        y.transpose(0, 2, 1)
            .conv(conv, Value.weight("third.weight", 3, 9, 3), Value.weight("third.bias", 3));
    return new Program("p", List.of(Graph.of("g", "z", z)), List.of("z"));
  }

  private static TensorSource weights(TorchRandom random) {
    return MemoryTensors.builder()
        .addFloats("first.weight", List.of(12L, 6L), random.randn(72))
        .addFloats("first.bias", List.of(12L), random.randn(12))
        .addFloats("second.weight", List.of(9L, 12L), random.randn(108))
        .addFloats("third.weight", List.of(3L, 9L, 3L), random.randn(81))
        .addFloats("third.bias", List.of(3L), random.randn(3))
        .build();
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void changedProgram_givesTheSameOnEveryEngine(LoraConfig.Kind kind) {
    var random = new TorchRandom(6);
    TensorSource weights = weights(random);
    List<String> targets =
        kind instanceof LoraConfig.Lokr
            ? List.of("first", "second")
            : List.of("first", "second", "third");
    var config =
        new LoraConfig(
            kind,
            1,
            2,
            targets.stream().map(ModulePattern::new).toList(),
            List.of(),
            Map.of(new ModulePattern("second"), 2));
    var injection = LoraInjection.inject(program(), config);
    assertThat(injection.modules()).hasSameSizeAs(targets);
    Map<String, Parameter> parameters = injection.freshParameters(3, weights);
    parameters
        .values()
        .forEach(
            p ->
                System.arraycopy(
                    random.randn(p.values().length), 0, p.values(), 0, p.values().length));
    TensorSource all = weights.overlaid(Parameter.source(parameters));
    Map<String, Tensor> inputs = Map.of("x", Tensor.ofFloats(random.randn(2 * 5 * 6), 2, 5, 6));
    float[] plain = run(new ReferenceEngine(), program(), weights, inputs);
    float[] wanted = run(new ReferenceEngine(), injection.program(), all, inputs);
    assertThat(wanted).isNotEqualTo(plain);
    for (Engine engine :
        List.of(
            TorchEngine.cpu(),
            OnnxEngine.on(OnnxDevice.CPU, OnnxFlavour.STANDARD),
            OnnxEngine.on(OnnxDevice.CPU, OnnxFlavour.FUSED))) {
      float[] found = run(engine, injection.program(), all, inputs);
      for (int i = 0; i < wanted.length; i++) {
        assertThat(found[i]).isCloseTo(wanted[i], within(2e-5f * (1 + Math.abs(wanted[i]))));
      }
    }
  }

  private static float[] run(
      Engine engine, Program program, TensorSource weights, Map<String, Tensor> inputs) {
    try (engine;
        var loaded = engine.load(program, weights)) {
      return requireNonNull(loaded.run(inputs).get("z")).toFloatArray();
    }
  }
}
