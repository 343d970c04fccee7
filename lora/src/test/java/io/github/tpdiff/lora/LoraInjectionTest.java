package io.github.tpdiff.lora;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tpdiff.runtime.diffusion.TorchRandom;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.Op;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.graph.Value;
import io.github.tpdiff.runtime.reference.ReferenceEngine;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.MemoryTensors;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.lora.LoraFile;
import io.github.tpdiff.weights.lora.LoraFormat;
import io.github.tpdiff.weights.lora.LoraPair;
import io.github.tpdiff.weights.lora.LoraWeights;
import io.github.tpdiff.weights.lora.LoraWriter;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class LoraInjectionTest {
  @TempDir private Path folder;

  private static final LoraWeights LORA =
      new LoraWeights(
          "transformer",
          Map.of(
              "blocks.0.attn1.to_q",
              new LoraPair(1, 2, new float[] {.5f, -1f}, new float[] {.25f, .75f}),
              "blocks.0.attn2.to_k",
              new LoraPair(1, 3, new float[] {.1f, .2f, .3f}, new float[] {-.5f, .4f})),
          Map.of());

  static Map<String, Tensor> inputs() {
    var random = new TorchRandom(7);
    return Map.of(
        "hidden_states",
        Tensor.ofFloats(random.randn(2 * 2 * 3 * 2 * 2), 2, 2, 3, 2, 2),
        "timestep",
        Tensor.ofFloats(new float[] {250, 750}, 2),
        "temporal_positions",
        Tensor.ofFloats(new float[] {0, 2, 4}, 3),
        "encoder_hidden_states",
        Tensor.ofFloats(random.randn(2 * 4 * 3), 2, 4, 3));
  }

  private static float[] run(Program program, TensorSource weights) {
    try (var engine = new ReferenceEngine();
        var executable = engine.load(program, weights)) {
      return requireNonNull(executable.run(inputs()).get("out_hidden_states")).toFloatArray();
    }
  }

  @Test
  void injectedProgram_equalsTheBaseWithMergedWeights() {
    var network = TinyNetwork.network();
    var injection = LoraInjection.of(network.program(), LORA, 0.5);
    var overlay = Parameter.source(injection.parametersOf(LORA));
    float[] beside = run(injection.program(), network.weights().overlaid(overlay));

    // W + strength · scale · B · A by hand.
    float[] q = {.7f + .125f, -.4f - .25f, .2f + .375f, .9f - .75f};
    float[] k = {
      .3f - .075f, -.2f - .15f, .5f - .225f, .1f + .06f, .4f + .12f, -.6f + .18f,
    };
    var merged =
        io.github.tpdiff.weights.MemoryTensors.builder()
            .addFloats("blocks.0.attn1.to_q.weight", List.of(2L, 2L), q)
            .addFloats("blocks.0.attn2.to_k.weight", List.of(2L, 3L), k)
            .build();
    float[] inside = run(network.program(), network.weights().overlaid(merged));
    assertThat(beside).containsExactly(inside, org.assertj.core.data.Offset.offset(1e-5f));
    assertThat(
            run(
                network.program(),
                new MergedTensors(
                    network.weights(), LORA.changes(), 0.5, UnaryOperator.identity())))
        .containsExactly(inside, org.assertj.core.data.Offset.offset(1e-5f));
    assertThat(beside).isNotEqualTo(run(network.program(), network.weights()));
  }

  @Test
  void freshParameters_leaveTheBaseAsItIs() {
    var network = TinyNetwork.network();
    var injection =
        LoraInjection.inject(network.program(), LoraConfig.of(2, 4, List.of("to_q", "to_k")));
    var overlay = Parameter.source(injection.freshParameters(3, network.weights()));
    assertThat(run(injection.program(), network.weights().overlaid(overlay)))
        .isEqualTo(run(network.program(), network.weights()));
    assertThat(injection.modules())
        .containsExactly(
            new LoraModule("blocks.0.attn2.to_k", 3, 2, 2, 2),
            new LoraModule("blocks.0.attn1.to_q", 2, 2, 2, 2));
    float[] a =
        Parameter.require(
                injection.freshParameters(3, network.weights()),
                "blocks.0.attn2.to_k.lora_A.weight")
            .values();
    assertThat(a).hasSize(6).doesNotContain(0f);
    for (float value : a) {
      assertThat(Math.abs(value)).isLessThanOrEqualTo((float) (1 / Math.sqrt(3)));
    }
  }

  @Test
  void ranksAndExclusions_followTheirPatterns() {
    var config =
        new LoraConfig(
            4,
            8,
            List.of(new ModulePattern("blocks.0.*.to_*"), new ModulePattern("re:.*proj_out")),
            List.of(new ModulePattern("to_k")),
            Map.of(new ModulePattern("proj_out"), 1));
    var modules = LoraInjection.inject(TinyNetwork.network().program(), config).modules();
    assertThat(modules)
        .containsExactly(
            new LoraModule("blocks.0.attn1.to_q", 2, 2, 4, 2),
            new LoraModule("blocks.0.proj_out", 2, 2, 1, 8));
  }

  /** A convolution with strides, uneven padding and any kernel: beside it and merged into it. */
  @Property(tries = 60)
  void injectedConvolution_equalsTheBaseWithMergedWeightsAndSurvivesTheFilesForm(
      @ForAll @Size(min = 1, max = 3) List<@IntRange(min = 1, max = 3) Integer> kernel,
      @ForAll @IntRange(min = 1, max = 2) int stride,
      @ForAll @IntRange(max = 1) int before,
      @ForAll @IntRange(min = 1, max = 3) int rank,
      @ForAll long seed) {
    int axes = kernel.size();
    var random = new TorchRandom(seed);
    long[] shape =
        LongStream.concat(LongStream.of(2, 3), kernel.stream().mapToLong(k -> k)).toArray();
    int perOutput = 3 * kernel.stream().reduce(1, (a, b) -> a * b);
    var conv =
        new Op.Conv(Collections.nCopies(axes, stride), Collections.nCopies(axes, before), kernel);
    Object[] extents =
        Stream.concat(Stream.of("batch", 3), Stream.generate(() -> 4).limit(axes)).toArray();
    Value y =
        Value.input("x", extents)
            .conv(conv, Value.weight("up.conv.weight", shape), Value.weight("up.conv.bias", 2));
    var program = new Program("unet", List.of(Graph.of("block", "y", y)), List.of("y"));
    var weights =
        MemoryTensors.builder()
            .addFloats(
                "up.conv.weight",
                LongStream.of(shape).boxed().toList(),
                random.randn(2 * perOutput))
            .addFloats("up.conv.bias", List.of(2L), random.randn(2))
            .build();
    var injection = LoraInjection.inject(program, LoraConfig.of(rank, 2.0 * rank, List.of("conv")));
    Map<String, Parameter> trained = injection.freshParameters(seed, weights);
    float[] b = Parameter.require(trained, "up.conv.lora_B.weight").values();
    System.arraycopy(random.randn(b.length), 0, b, 0, b.length);
    LoraWeights lora = injection.toWeights("unet", trained, Map.of());
    var merged = new MergedTensors(weights, lora.changes(), 1, UnaryOperator.identity());
    var overlay = weights.overlaid(Parameter.source(trained));
    long[] input =
        LongStream.concat(LongStream.of(2, 3), LongStream.generate(() -> 4).limit(axes)).toArray();
    Tensor x = Tensor.ofFloats(random.randn((int) (6 * Math.pow(4, axes))), input);
    assertThat(output(injection.program(), overlay, x))
        .containsExactly(output(program, merged, x), org.assertj.core.data.Offset.offset(2e-4f));
    assertThat(output(injection.program(), overlay, x)).isNotEqualTo(output(program, weights, x));
    var again = LoraInjection.of(program, lora, 1);
    assertThat(again.modules()).isEqualTo(injection.modules());
    again
        .parametersOf(lora)
        .forEach(
            (name, p) -> {
              assertThat(p.shape()).isEqualTo(Parameter.require(trained, name).shape());
              assertThat(p.values()).isEqualTo(Parameter.require(trained, name).values());
            });
  }

  private static float[] output(Program program, TensorSource weights, Tensor x) {
    try (var engine = new ReferenceEngine();
        var executable = engine.load(program, weights)) {
      return requireNonNull(executable.run(Map.of("x", x)).get("y")).toFloatArray();
    }
  }

  @Test
  void targetThatMatchesNothing_isRefusedWithTheNearestName() {
    assertThatThrownBy(
            () ->
                LoraInjection.inject(
                    TinyNetwork.network().program(), LoraConfig.of(2, 2, List.of("attn1.toq"))))
        .hasMessageContaining("lora.targets: 'attn1.toq'")
        .hasMessageContaining("nearest is 'attn1.to_q'");
  }

  @Test
  void loraOfOtherSizes_isRefusedByName() {
    var wide =
        new LoraWeights(
            "transformer",
            Map.of("blocks.0.attn1.to_q", new LoraPair(1, 1, new float[5], new float[2])),
            Map.of());
    assertThatThrownBy(() -> LoraInjection.of(TinyNetwork.network().program(), wide, 1))
        .hasMessageContaining("blocks.0.attn1.to_q")
        .hasMessageContaining("A [r, 2]")
        .hasMessageContaining("A [1, 5]");
  }

  @Test
  void trainedParameters_surviveTheFile() {
    var injection = LoraInjection.of(TinyNetwork.network().program(), LORA, 1);
    var weights =
        injection.toWeights(
            "transformer", injection.parametersOf(LORA), Map.of("tpdiff.step", "9"));
    Path file = folder.resolve("lora.safetensors");
    LoraWriter.write(file, weights, LoraFormat.DIFFUSERS, DType.F32);
    LoraWeights read = LoraFile.read(file).weights();
    assertThat(read.metadata()).containsEntry("tpdiff.step", "9");
    LORA.pairs()
        .forEach(
            (module, pair) -> {
              LoraPair again = requireNonNull(read.pairs().get(module));
              assertThat(again.a()).isEqualTo(pair.a());
              assertThat(again.b()).isEqualTo(pair.b());
              assertThat(again.scale()).isEqualTo(pair.scale());
            });
  }
}
