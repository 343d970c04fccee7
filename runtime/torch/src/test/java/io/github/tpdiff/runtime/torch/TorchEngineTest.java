package io.github.tpdiff.runtime.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.tpdiff.runtime.engine.Cancellation;
import io.github.tpdiff.runtime.engine.Executable;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.graph.Dim;
import io.github.tpdiff.runtime.graph.ElementType;
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
import io.github.tpdiff.weights.TensorView;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import org.junit.jupiter.api.Test;

class TorchEngineTest {
  private static final TorchEngine ENGINE = TorchEngine.cpu();

  /** Two linear layers as two segments. */
  private static Program twoLayers() {
    var x = Value.input("x", "batch", 2);
    var first = x.linear(Value.weight("0.weight", 2, 2)).plus(1);
    var h = Value.input("h", "batch", 2);
    var second = h.linear(Value.weight("1.weight", 2, 2)).plus(1);
    return new Program(
        "two",
        List.of(Graph.of("first", "h", first), Graph.of("second", "y", second)),
        List.of("y"));
  }

  private static MemoryTensors twoWeights() {
    return MemoryTensors.builder()
        .addFloats("0.weight", List.of(2L, 2L), 1, 2, 3, 4)
        .addFloats("1.weight", List.of(2L, 2L), 0, 1, -1, 0)
        .build();
  }

  private static float[] floats(Map<String, Tensor> outputs) {
    return Objects.requireNonNull(outputs.get("y")).toFloatArray();
  }

  @Test
  void run_computesSegmentsInOrder() {
    try (Executable executable = ENGINE.load(twoLayers(), twoWeights())) {
      var y = executable.run(Map.of("x", Tensor.ofFloats(new float[] {1, 1, 2, 0}, 2, 2)));
      // h = [[4, 8], [3, 7]]; y = [[8 + 1, -4 + 1], [7 + 1, -3 + 1]]
      assertThat(floats(y)).containsExactly(9, -3, 8, -2);
    }
  }

  @Test
  void equalSegments_shareOneMethod() {
    var script = new TorchScriptWriter(twoLayers(), name -> WeightForm.NUMBERS, Arithmetic.FP32);
    assertThat(script.segments().get(0).method()).isEqualTo(script.segments().get(1).method());
  }

  @Test
  void everyOperation_hasARule() {
    assertThat(OpRules.covered())
        .containsExactlyInAnyOrderElementsOf(
            List.of(Op.class.getPermittedSubclasses()).stream()
                .<Class<? extends Op>>map(c -> c.asSubclass(Op.class))
                .toList());
  }

  /** Asked for while the first segment reads its weight. */
  @Test
  void cancelledRun_endsBetweenSegments_andLeavesNothingBehind() {
    var cancellation = new Cancellation();
    var read = new ArrayList<String>();
    var watched =
        new TensorView(twoWeights()) {
          @Override
          public ByteBuffer bytes(String name, long offset, int length) {
            read.add(name);
            cancellation.cancel();
            return super.bytes(name, offset, length);
          }
        };
    var x = Map.of("x", Tensor.ofFloats(new float[] {1, 1, 2, 0}, 2, 2));
    try (TorchExecutable executable = ENGINE.loadProgram(twoLayers(), watched)) {
      Executable until = executable.until(cancellation);
      assertThatThrownBy(() -> until.run(x)).isInstanceOf(CancellationException.class);
      assertThat(read).containsOnly("0.weight");
      assertThatThrownBy(() -> until.compute(x)).isInstanceOf(CancellationException.class);
      try (Executable bound = until.bind(x)) {
        assertThatThrownBy(() -> bound.run(Map.of())).isInstanceOf(CancellationException.class);
      }
      until.close();
      assertThat(executable.heldTensors()).isEqualTo(1);
      assertThat(floats(executable.run(x))).containsExactly(9, -3, 8, -2);
      try (Executable other = executable.until(new Cancellation())) {
        assertThat(floats(other.run(x))).containsExactly(9, -3, 8, -2);
      }
      assertThat(executable.heldTensors()).isEqualTo(2);
    }
  }

  @Test
  void runs_leaveNothingBehind() {
    try (TorchExecutable executable = ENGINE.loadProgram(twoLayers(), twoWeights())) {
      var x = Map.of("x", Tensor.ofFloats(new float[] {1, 1}, 1, 2));
      executable.run(x);
      int afterFirst = executable.heldTensors();
      for (int i = 0; i < 5; i++) {
        executable.run(x);
        try (Executable bound = executable.bind(x)) {
          assertThat(bound.inputNames()).isEmpty();
          bound.run(Map.of());
          assertThat(floats(bound.run(Map.of()))).containsExactly(9, -3);
        }
      }
      assertThat(executable.heldTensors()).isEqualTo(afterFirst).isEqualTo(2);
    }
  }

  @Test
  void missingWeight_isNamed() {
    var weights = MemoryTensors.builder().addFloats("0.weight", List.of(2L, 2L), 1, 2, 3, 4);
    assertThatThrownBy(() -> ENGINE.load(twoLayers(), weights.build()))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("'1.weight' is missing");
  }

  @Test
  void misshapenWeight_isNamedWithBothShapes() {
    var weights =
        MemoryTensors.builder()
            .addFloats("0.weight", List.of(2L, 2L), 1, 2, 3, 4)
            .addFloats("1.weight", List.of(4L, 1L), 1, 2, 3, 4);
    assertThatThrownBy(() -> ENGINE.load(twoLayers(), weights.build()))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("'1.weight': expected shape [2, 2], found [4, 1]");
  }

  @Test
  void inputThatIsNotRead_changesNothing_butIsNotBound() {
    try (Executable executable = ENGINE.load(twoLayers(), twoWeights())) {
      Tensor x = Tensor.ofFloats(new float[] {1, 2}, 1, 2);
      assertThat(floats(executable.run(Map.of("x", x, "z", Tensor.zeros(3)))))
          .isEqualTo(floats(executable.run(Map.of("x", x))));
      assertThatThrownBy(() -> executable.bind(Map.of("z", Tensor.zeros(3))))
          .isInstanceOf(GraphException.class)
          .hasMessageContaining("there is no input z to bind; inputs are [x]");
    }
  }

  @Test
  void missingOrMistypedInput_isNamed() {
    try (Executable executable = ENGINE.load(twoLayers(), twoWeights())) {
      assertThatThrownBy(() -> executable.run(Map.of()))
          .isInstanceOf(GraphException.class)
          .hasMessageContaining("input x is missing");
      assertThatThrownBy(() -> executable.run(Map.of("x", Tensor.zeros(1, 3))))
          .isInstanceOf(GraphException.class)
          .hasMessageContaining("expected [batch, 2]");
      var longs = Tensor.ofLongs(new long[] {1, 2}, 1, 2);
      assertThatThrownBy(() -> executable.run(Map.of("x", longs)))
          .isInstanceOf(GraphException.class)
          .hasMessageContaining("expected " + ElementType.F32);
    }
  }

  @Test
  void failureInsideASegment_isOneLineThatNamesIt() {
    var table = Value.constant(new float[] {1, 2}, 2);
    var graph = Graph.of("lookup", "y", table.gather(Value.indexInput("ids", "n")));
    var program = new Program("p", List.of(graph), List.of("y"));
    try (Executable executable = ENGINE.load(program, MemoryTensors.builder().build())) {
      var ids = Map.of("ids", Tensor.ofLongs(new long[] {7}, 1));
      assertThatThrownBy(() -> executable.run(ids))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageStartingWith("lookup: PyTorch: ")
          .hasMessageContaining("index out of range")
          .message()
          .hasLineCount(1);
      // The engine stays usable.
      var good = Map.of("ids", Tensor.ofLongs(new long[] {1}, 1));
      assertThat(floats(executable.run(good))).containsExactly(2);
    }
  }

  @Test
  void everyFloatingType_isReadAlignedOrNot() {
    float[] values = {1, -2, 0.5f, 4};
    var x = Value.input("x", "batch", 2);
    for (DType dtype : List.of(DType.F64, DType.F32, DType.F16, DType.BF16)) {
      for (int offset : new int[] {0, 1}) {
        int size = values.length * dtype.bytes();
        var bytes = ByteBuffer.allocateDirect(size + 1).order(ByteOrder.LITTLE_ENDIAN);
        bytes.position(offset).limit(offset + size);
        FloatCodec.encode(FloatBuffer.wrap(values), dtype, bytes.duplicate());
        var info = new TensorInfo("w", dtype, List.of(2L, 2L));
        var weights = MemoryTensors.builder().add(info, bytes).build();
        var graph = Graph.of("g", "y", x.linear(Value.weight("w", 2, 2)));
        var program = new Program("p", List.of(graph), List.of("y"));
        try (Executable executable = ENGINE.load(program, weights)) {
          var y = executable.run(Map.of("x", Tensor.ofFloats(new float[] {1, 2}, 1, 2)));
          assertThat(floats(y)).as("%s + %d", dtype, offset).containsExactly(-3, 8.5f);
        }
      }
    }
  }

  @Test
  void symbolicShapes_followTheInputs() {
    var x = Value.input("x", "batch", 1, "height");
    Dim height = x.dim(2);
    var conv = new Op.Conv(List.of(2), List.of(1), List.of(0));
    var y = x.conv(conv, Value.constant(new float[] {1, 10, 100}, 1, 1, 3));
    var graph =
        Graph.of("g", "y", y.reshape(x.dim(0), height.minus(Dim.of(2)).dividedBy(2).plus(1)));
    var program = new Program("p", List.of(graph), List.of("y"));
    try (Executable executable = ENGINE.load(program, MemoryTensors.builder().build())) {
      var y4 = executable.run(Map.of("x", Tensor.ofFloats(new float[] {1, 2, 3, 4}, 1, 1, 4)));
      assertThat(Objects.requireNonNull(y4.get("y")).shape()).containsExactly(1, 2);
      assertThat(floats(y4)).containsExactly(210, 432);
      var y5 = executable.run(Map.of("x", Tensor.ofFloats(new float[] {1, 2, 3, 4, 5}, 1, 1, 5)));
      assertThat(floats(y5)).containsExactly(210, 432);
    }
  }

  @Test
  void rotary_rotatesPairs() {
    var x = Value.input("x", 1, 1, 4);
    var cos = Value.input("cos", 1, 1);
    var sin = Value.input("sin", 1, 1);
    var graph = Graph.of("g", "y", x.rotary(2, cos, sin));
    var program = new Program("p", List.of(graph), List.of("y"));
    try (Executable executable = ENGINE.load(program, MemoryTensors.builder().build())) {
      var y =
          executable.run(
              Map.of(
                  "x", Tensor.ofFloats(new float[] {1, 2, 3, 4}, 1, 1, 4),
                  "cos", Tensor.ofFloats(new float[] {0.6f}, 1, 1),
                  "sin", Tensor.ofFloats(new float[] {0.8f}, 1, 1)));
      float[] expected = {0.6f - 1.6f, 0.8f + 1.2f, 1.8f - 3.2f, 2.4f + 2.4f};
      for (int i = 0; i < 4; i++) {
        assertThat(floats(y)[i]).isCloseTo(expected[i], within(1e-6f));
      }
    }
  }
}
