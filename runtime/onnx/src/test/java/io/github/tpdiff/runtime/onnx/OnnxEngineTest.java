package io.github.tpdiff.runtime.onnx;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.tpdiff.runtime.engine.Cancellation;
import io.github.tpdiff.runtime.engine.Executable;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.GraphException;
import io.github.tpdiff.runtime.graph.Op;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.graph.Value;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.FloatCodec;
import io.github.tpdiff.weights.MemoryTensors;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.safetensors.SafetensorsFile;
import io.github.tpdiff.weights.safetensors.SafetensorsWriter;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class OnnxEngineTest {
  private static final int SIDE = 1024;
  private static final Value X = Value.input("x", "batch", "tokens", 2);

  private static Program linear() {
    Value y = X.linear(Value.weight("w", 3, 2), Value.weight("b", 3));
    return new Program("linear", List.of(Graph.of("linear", "y", y)), List.of("y"));
  }

  private static MemoryTensors weights(DType dtype) {
    var builder = MemoryTensors.builder();
    add(builder, dtype, "w", List.of(3L, 2L), 1, 2, 3, 4, 5, 6);
    add(builder, dtype, "b", List.of(3L), 0.5f, 0, -0.5f);
    return builder.build();
  }

  private static void add(
      MemoryTensors.Builder builder, DType dtype, String name, List<Long> shape, float... values) {
    var bytes =
        ByteBuffer.allocateDirect(values.length * dtype.bytes()).order(ByteOrder.LITTLE_ENDIAN);
    FloatCodec.encode(FloatBuffer.wrap(values), dtype, bytes);
    builder.add(new TensorInfo(name, dtype, shape), bytes.flip());
  }

  private static Tensor result(Map<String, Tensor> results, String name) {
    return Objects.requireNonNull(results.get(name));
  }

  /** 1,000 products of 2 GFLOP in one graph: without an end it runs for most of a minute. */
  private static Program slow() {
    var parts = new ArrayList<Graph>();
    for (int part = 0; part < 100; part++) {
      Value x = Value.input(part == 0 ? "x" : "y" + part, "rows", SIDE);
      for (int i = 0; i < 10; i++) {
        x = x.linear(Value.weight("w", SIDE, SIDE));
      }
      parts.add(Graph.of("part" + part, "y" + (part + 1), x));
    }
    return new Program("slow", parts, List.of("y100"));
  }

  @Test
  void cancelledRun_endsInTheMiddle_andTheSessionIsWell() throws Exception {
    var weight =
        MemoryTensors.builder()
            .addFloats("w", List.of((long) SIDE, (long) SIDE), new float[SIDE * SIDE])
            .build();
    Map<String, Tensor> x = Map.of("x", Tensor.zeros(SIDE, SIDE));
    try (var engine = OnnxEngine.on(OnnxDevice.CPU);
        Executable slow = engine.load(slow(), weight)) {
      for (int run = 0; run < 2; run++) {
        var cancellation = new Cancellation();
        var canceller =
            new Thread(
                () -> {
                  try {
                    Thread.sleep(200); // into the run
                  } catch (InterruptedException early) {
                    throw new IllegalStateException(early);
                  }
                  cancellation.cancel();
                });
        canceller.start();
        try (Executable until = slow.until(cancellation).bind(x)) {
          assertThrows(CancellationException.class, () -> until.run(Map.of()));
        }
        canceller.join();
      }
      var small = Map.of("x", Tensor.zeros(1, SIDE));
      Tensor y = result(slow.until(new Cancellation()).run(small), "y100");
      assertArrayEquals(new float[SIDE], y.toFloatArray());
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "F16", "BF16", "F64"})
  void weightsOfEveryFloatingTypeGiveTheSameProduct(DType dtype, @TempDir Path folder) {
    Path file = folder.resolve("weights.safetensors");
    SafetensorsWriter.write(file, weights(dtype));
    try (TensorSource mapped = SafetensorsFile.open(file)) {
      assertProducts(weights(dtype));
      assertProducts(mapped);
    }
  }

  private static void assertProducts(TensorSource source) {
    try (var engine = OnnxEngine.on(OnnxDevice.CPU);
        Executable executable = engine.load(linear(), source)) {
      // The second run writes into tensors made beforehand.
      for (int run = 0; run < 2; run++) {
        Tensor y =
            result(
                executable.run(Map.of("x", Tensor.ofFloats(new float[] {1, 1, 2, 0}, 1, 2, 2))),
                "y");
        assertArrayEquals(new long[] {1, 2, 3}, y.shape());
        assertArrayEquals(new float[] {3.5f, 7, 10.5f, 2.5f, 6, 9.5f}, y.toFloatArray());
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void symbolsOfASegmentAreItsOwn(OnnxFlavour flavour) {
    Value x = Value.input("x", 1, 1, 1, "height", "width");
    var up = Graph.of("up", "x", x.repeat(1, 1, 1, 2, 2));
    Value state = Value.input("s", 1, 1, 1, "height", "width");
    var join = Graph.of("join", "y", Value.concat(2, state, x));
    var program = new Program("decoder", List.of(up, join), List.of("y"));
    try (var engine = OnnxEngine.on(OnnxDevice.CPU, flavour);
        Executable executable = engine.load(program, weights(DType.F32))) {
      Tensor y =
          result(
              executable.run(
                  Map.of(
                      "x", Tensor.ofFloats(new float[] {1, 2}, 1, 1, 1, 1, 2),
                      "s", Tensor.ofFloats(new float[8], 1, 1, 1, 2, 4))),
              "y");
      assertArrayEquals(new long[] {1, 1, 2, 2, 4}, y.shape());
      assertArrayEquals(
          new float[] {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 2, 1, 1, 2, 2}, y.toFloatArray());
      var misfit =
          assertThrows(
              GraphException.class,
              () ->
                  executable.run(
                      Map.of("x", Tensor.zeros(1, 1, 1, 1, 2), "s", Tensor.zeros(1, 1, 1, 1, 2))));
      assertTrue(String.valueOf(misfit.getMessage()).contains("join: input "));
    }
  }

  @Test
  void boundInputsNeedNotBeGivenAgain() {
    Value y = X.plus(Value.input("shift", 2));
    var program = new Program("shift", List.of(Graph.of("shift", "y", y)), List.of("y"));
    try (var engine = OnnxEngine.on(OnnxDevice.CPU);
        Executable executable = engine.load(program, weights(DType.F32));
        Executable bound =
            executable.bind(Map.of("shift", Tensor.ofFloats(new float[] {10, 20}, 2)))) {
      assertEquals(List.of("x"), bound.inputNames());
      Tensor sum =
          result(bound.run(Map.of("x", Tensor.ofFloats(new float[] {1, 2}, 1, 1, 2))), "y");
      assertArrayEquals(new float[] {11, 22}, sum.toFloatArray());
      var missing =
          assertThrows(
              GraphException.class, () -> executable.run(Map.of("x", Tensor.zeros(1, 1, 2))));
      assertEquals("shift: input shift is missing", missing.getMessage());
    }
  }

  @Test
  void misshapenWeightIsNamedWithBothShapes() {
    var tensors =
        MemoryTensors.builder()
            .addFloats("w", List.of(2L, 3L), 1, 2, 3, 4, 5, 6)
            .addFloats("b", List.of(3L), 1, 2, 3)
            .build();
    try (var engine = OnnxEngine.on(OnnxDevice.CPU)) {
      var misfit = assertThrows(CheckpointException.class, () -> engine.load(linear(), tensors));
      assertEquals(
          "tensors in memory: tensor 'w': expected shape [3, 2], found [2, 3]; is it the"
              + " checkpoint of another model?",
          misfit.getMessage());
    }
  }

  @Test
  void outputNamedAsAnInputIsRefused() {
    var program = new Program("same", List.of(Graph.of("same", "x", X.plus(1))), List.of("x"));
    try (var engine = OnnxEngine.on(OnnxDevice.CPU)) {
      var refused =
          assertThrows(GraphException.class, () -> engine.load(program, weights(DType.F32)));
      assertEquals("same: output x has the name of an input", refused.getMessage());
    }
  }

  @ParameterizedTest
  @EnumSource
  void attentionWithBiasOverKeysAttendsOnlyWhereBiasAllows(OnnxFlavour flavour) {
    Value mask = Value.input("bias", "batch", 1, 1, "tokens");
    Value y = X.attention(new Op.Attention(1, 0.5), X, X, mask);
    var program = new Program("attend", List.of(Graph.of("attend", "y", y)), List.of("y"));
    try (var engine = OnnxEngine.on(OnnxDevice.CPU, flavour);
        Executable executable = engine.load(program, weights(DType.F32))) {
      Tensor result =
          result(
              executable.run(
                  Map.of(
                      "x", Tensor.ofFloats(new float[] {1, 2, 3, 4, 5, 6}, 1, 3, 2),
                      "bias", Tensor.ofFloats(new float[] {-1e4f, 0, -1e4f}, 1, 1, 1, 3))),
              "y");
      assertArrayEquals(new float[] {3, 4, 3, 4, 3, 4}, result.toFloatArray(), 1e-6f);
    }
  }

  @ParameterizedTest
  @EnumSource
  void rotaryTurnsNeighbouringPairs(OnnxFlavour flavour) {
    Value y = X.rotary(1, Value.input("cos", "tokens", 1), Value.input("sin", "tokens", 1));
    var program = new Program("turn", List.of(Graph.of("turn", "y", y)), List.of("y"));
    try (var engine = OnnxEngine.on(OnnxDevice.CPU, flavour);
        Executable executable = engine.load(program, weights(DType.F32))) {
      Tensor result =
          result(
              executable.run(
                  Map.of(
                      "x", Tensor.ofFloats(new float[] {1, 2, 3, 4, 5, 6, 7, 8}, 2, 2, 2),
                      "cos", Tensor.ofFloats(new float[] {1, 0}, 2, 1),
                      "sin", Tensor.ofFloats(new float[] {0, 1}, 2, 1))),
              "y");
      assertArrayEquals(new float[] {1, 2, -4, 3, 5, 6, -8, 7}, result.toFloatArray(), 1e-6f);
    }
  }

  @Test
  void automaticDeviceSaysWhyItIsNotCuda() {
    try (var engine = OnnxEngine.on(OnnxDevice.AUTO)) {
      String description = engine.description();
      assertTrue(description.endsWith("on CUDA") || description.contains("no CUDA: "), description);
    }
  }

  /** The table is larger than what the runtime computes ahead. */
  @Test
  void rowsOfA16BitTableAreTakenBeforeTheCast(@TempDir Path folder) {
    int rows = 300_000;
    var values = new float[2 * rows];
    for (int i = 0; i < values.length; i++) {
      values[i] = i % 128;
    }
    var builder = MemoryTensors.builder();
    add(builder, DType.BF16, "table", List.of((long) rows, 2L), values);
    Path file = folder.resolve("table.safetensors");
    SafetensorsWriter.write(file, builder.build());
    Value y = Value.weight("table", rows, 2).gather(Value.indexInput("ids", "tokens"));
    var program = new Program("rows", List.of(Graph.of("rows", "y", y)), List.of("y"));
    var model =
        ProgramLowering.lower(
            program,
            GraphForm.inFp32(OnnxFlavour.STANDARD),
            name -> StoredWeight.plain(DType.BF16, "f", 0, 1));
    assertEquals(
        List.of("Gather", "Cast", "Identity"),
        model.getGraph().getNodeList().stream().map(node -> node.getOpType()).toList());
    try (TensorSource mapped = SafetensorsFile.open(file);
        var engine = OnnxEngine.on(OnnxDevice.CPU);
        Executable executable = engine.load(program, mapped)) {
      Tensor taken =
          result(executable.run(Map.of("ids", Tensor.ofLongs(new long[] {65, 1}, 2))), "y");
      assertArrayEquals(new float[] {2, 3, 2, 3}, taken.toFloatArray());
    }
  }
}
