package io.github.tpdiff.runtime.torch;

import static io.github.tpdiff.runtime.engine.Activations.KEPT;
import static io.github.tpdiff.runtime.engine.Activations.RECOMPUTED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.tpdiff.runtime.engine.Activations;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.engine.Trainable;
import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.Op;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.graph.Value;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.MemoryTensors;
import io.github.tpdiff.weights.Quantization;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.checkpoint.Checkpoint;
import io.github.tpdiff.weights.safetensors.SafetensorsWriter;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Weights held as eight-bit floats, against the fp32 weights that they stand for. */
class ScaledWeightsTest {
  private static final TorchEngine ENGINE = TorchEngine.cpu();
  private static final Set<String> FROZEN = Set.of("conv", "table", "0.w", "1.w", "scalar");
  private static final Set<String> TRAINED = Set.of("a", "0.norm", "1.bias");
  private static final Tensor IDS = Tensor.ofLongs(new long[] {2, 0, 1}, 3);
  private static final Tensor X = random(1, 1, 2, 3, 4);
  private static final Tensor TARGET = random(2, 3, 4);

  @TempDir private Path folder;

  /** A convolution, a table, and two layers that make one method. */
  private static Program program() {
    Value x = Value.input("x", 1, 2, 3, 4);
    var conv = new Op.Conv(List.of(1, 1), List.of(0, 0), List.of(0, 0));
    Value mixed =
        x.conv(conv, Value.weight("conv", 1, 2, 1, 1)).reshape(3, 4).times(Value.weight("a", 4));
    Value rows = Value.weight("table", 3, 4).gather(Value.indexInput("ids", 3));
    var segments = new ArrayList<Graph>();
    segments.add(Graph.of("in", "h", mixed.plus(rows).times(Value.weight("scalar"))));
    for (int i = 0; i < 2; i++) {
      Value h = Value.input("h", 3, 4);
      Value next =
          h.rmsNorm(1e-5, Value.weight(i + ".norm", 4))
              .linear(Value.weight(i + ".w", 4, 4), Value.weight(i + ".bias", 4))
              .geluTanh();
      segments.add(Graph.of("layer" + i, "h", next.plus(h)));
    }
    return new Program("p", segments, List.of("h"));
  }

  private static Tensor random(long seed, long... shape) {
    var random = new Random(seed);
    var values = new float[(int) Arrays.stream(shape).reduce(1, (a, b) -> a * b)];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return Tensor.ofFloats(values, shape);
  }

  private static Map<String, Tensor> inputs() {
    return Map.of("x", X, "ids", IDS);
  }

  private static List<Long> shape(Value weight) {
    return Arrays.stream(weight.shape().evaluate(Map.of())).boxed().toList();
  }

  /** Values of the program's weights. */
  private static MemoryTensors weights() {
    var builder = MemoryTensors.builder();
    program()
        .weights()
        .forEach(
            (name, v) ->
                builder.addFloats(
                    name,
                    shape(v),
                    random(name.hashCode(), v.shape().evaluate(Map.of())).toFloatArray()));
    return builder.build();
  }

  /** A file as ComfyUI writes them: codes beside scales, one a tensor or one a row. */
  private Path comfyFile(DType dtype, String scaleName, boolean perRow) {
    Path file = folder.resolve("scaled.safetensors");
    var builder = MemoryTensors.builder();
    var random = new Random(3);
    TensorSource own = weights();
    for (String name : own.names()) {
      TensorInfo info = own.require(name);
      if (!FROZEN.contains(name)) {
        builder.addFloats(name + ".weight", info.shape(), own.floats(name));
        continue;
      }
      var codes = new byte[(int) info.elementCount()];
      for (int i = 0; i < codes.length; i++) {
        codes[i] = (byte) (random.nextInt(dtype == DType.F8_E4M3 ? 0x7f : 0x7c) - 128 * (i % 2));
      }
      builder.add(
          new TensorInfo(name + ".weight", dtype, info.shape()),
          ByteBuffer.allocateDirect(codes.length).put(codes).flip());
      int rows = perRow && !info.shape().isEmpty() ? info.shape().get(0).intValue() : 1;
      var scales = new float[rows];
      for (int i = 0; i < rows; i++) {
        scales[i] = (dtype == DType.F8_E4M3 ? 4e-3f : 3e-5f) * (1 + random.nextFloat());
      }
      builder.addFloats(name + scaleName, List.of((long) rows), scales);
    }
    builder.add(new TensorInfo("scaled_fp8", dtype, List.of(0L)), ByteBuffer.allocateDirect(0));
    SafetensorsWriter.write(file, builder.build());
    return file;
  }

  private static TensorSource open(Path file) {
    return Checkpoint.open(file).renamed(name -> Optional.of(name.replaceFirst("\\.weight$", "")));
  }

  /** What a source stands for, in fp32 and in memory. */
  private static MemoryTensors multiplied(TensorSource source) {
    var builder = MemoryTensors.builder();
    for (String name : source.names()) {
      builder.addFloats(name, source.require(name).shape(), source.floats(name));
    }
    return builder.build();
  }

  private static void assertSame(TorchEngine engine, TensorSource found, Activations activations) {
    try (Trainable expected = engine.train(program(), multiplied(found), TRAINED, activations);
        Trainable own = engine.train(program(), found, TRAINED, activations)) {
      var e = expected.gradients(inputs(), TARGET);
      var f = own.gradients(inputs(), TARGET);
      assertClose("prediction", f.prediction(), e.prediction());
      for (String name : TRAINED) {
        assertClose(
            name,
            Objects.requireNonNull(f.gradients().get(name)),
            Objects.requireNonNull(e.gradients().get(name)));
      }
    }
  }

  private static void assertClose(String what, Tensor found, Tensor expected) {
    float[] f = found.toFloatArray();
    float[] e = expected.toFloatArray();
    assertThat(f).as(what).hasSameSizeAs(e);
    for (int i = 0; i < f.length; i++) {
      assertThat(e[i]).as(what).isFinite().isNotZero();
      assertThat(f[i]).as(what).isCloseTo(e[i], within(1e-6f * Math.max(1, Math.abs(e[i]))));
    }
  }

  @ParameterizedTest
  @EnumSource
  void trainingOnQuantizedWeights_isThatOnWhatTheyStandFor(Arithmetic arithmetic) {
    for (Activations activations : List.of(KEPT, RECOMPUTED)) {
      assertSame(
          ENGINE.computing(arithmetic),
          weights().quantized(FROZEN, Quantization.E4M3_TENSOR),
          activations);
    }
  }

  @ParameterizedTest
  @EnumSource
  void trainingOnBf16Weights_isThatOnWhatTheyStandFor(Arithmetic arithmetic) {
    assertSame(ENGINE.computing(arithmetic), weights().inBf16(FROZEN), RECOMPUTED);
  }

  @ParameterizedTest
  @EnumSource(names = {"F8_E4M3", "F8_E5M2"})
  void trainingOnAScaledFile_isThatOnWhatItStandsFor(DType dtype) {
    for (boolean perRow : List.of(false, true)) {
      try (TensorSource source = open(comfyFile(dtype, ".scale_weight", perRow))) {
        assertThat(source.scaled("0.w")).isPresent();
        assertSame(ENGINE, source, RECOMPUTED);
      }
    }
    try (TensorSource source = open(comfyFile(dtype, ".weight_scale", false))) {
      assertSame(ENGINE, source, RECOMPUTED);
    }
  }

  @Test
  void segmentsOfScaledWeights_shareTheirMethod() {
    TensorSource quantized = weights().quantized(FROZEN, Quantization.E4M3_TENSOR);
    var script =
        new TorchScriptWriter(program(), name -> WeightForm.of(quantized, name), Arithmetic.FP32);
    assertThat(script.segments().get(1).method()).isEqualTo(script.segments().get(2).method());
    assertThat(script.segments().get(1).scaled()).containsExactly("0.w");
  }

  /** Whatever is computed of a weight for one use would be asked of the source again. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void roundedWeights_areReadAndHeldOnce(boolean quantized) {
    TensorSource own = weights();
    TensorSource rounded =
        quantized ? own.quantized(FROZEN, Quantization.E4M3_TENSOR) : own.inBf16(FROZEN);
    try (TorchTrainable trainable = ENGINE.trainProgram(program(), rounded, TRAINED, RECOMPUTED)) {
      for (int i = 0; i < 3; i++) {
        trainable.gradients(inputs(), TARGET);
        assertThat(trainable.heldTensors())
            .isEqualTo(own.names().size() + (quantized ? FROZEN.size() : 0));
      }
    }
  }
}
