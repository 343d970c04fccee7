package io.github.tpdiff.runtime.reference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.engine.Executable;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.graph.ElementType;
import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.GraphException;
import io.github.tpdiff.runtime.graph.Op;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.graph.Value;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.MemoryTensors;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What every {@link Engine} must do, operation by operation, against {@link ReferenceEngine}.
 * Subclass it and give the engine.
 *
 * <p>Every executable runs at two sizes and at the first one again, so that nothing of one run's
 * sizes may stay in it.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class OperationContractTest {
  private final ReferenceEngine reference = new ReferenceEngine();
  private @Nullable Engine engine;

  /** The engine under test, opened anew; closed after the last test. */
  protected abstract Engine openEngine();

  /**
   * The largest error allowed, relative to the largest magnitude of the result. Weights are widened
   * to fp32 exactly whatever they are stored in and arithmetic is fp32, so one bound serves every
   * stored type: sums of at most a few hundred products of fp32 rounding 6e-8 stay below 1e-5.
   */
  protected double tolerance(DType stored) {
    return 1e-5;
  }

  @BeforeAll
  void open() {
    engine = openEngine();
  }

  @AfterAll
  void closeEngine() {
    engine().close();
  }

  private Engine engine() {
    return Objects.requireNonNull(engine);
  }

  /** Every configuration of every operation. */
  protected static List<OperationCase> cases() {
    var cases = new ArrayList<OperationCase>();
    cases.addAll(ContractionCases.all());
    cases.addAll(PointwiseCases.all());
    cases.addAll(LayoutCases.all());
    return cases;
  }

  static Stream<Arguments> casesByStoredType() {
    return cases().stream()
        .flatMap(
            c ->
                c.program().weights().isEmpty()
                    ? Stream.of(Arguments.of(c, DType.F32))
                    : Stream.of(DType.F32, DType.F16, DType.BF16).map(t -> Arguments.of(c, t)));
  }

  @ParameterizedTest(name = "{0}, weights in {1}")
  @MethodSource("casesByStoredType")
  void operation_matchesReference(OperationCase operation, DType stored) {
    assertMatches(operation.program(), stored);
  }

  private void assertMatches(Program program, DType stored) {
    try (var weights = ContractData.weights(program, stored);
        Executable expected = reference.load(program, weights);
        Executable found = engine().load(program, weights)) {
      assertThat(found.outputNames()).isEqualTo(program.outputs());
      for (int size : new int[] {0, 1, 0}) {
        var inputs = ContractData.inputs(program, ContractData.SIZES.get(size));
        assertClose(found.run(inputs), expected.run(inputs), tolerance(stored));
      }
    }
  }

  /** A kernel that gives zeros for it would make a video of damaged weights. */
  @ParameterizedTest
  @CsvSource({"q, 8, 1", "q, 12, 1", "q, 8, 24", "k, 8, 1", "k, 8, 32", "v, 8, 1", "v, 8, 32"})
  void attentionOfWhatIsNoNumber_isNoNumber(String where, int width, int count) {
    Value attention =
        Value.input("q", 1, 3, 8)
            .attention(
                new Op.Attention(2, 0.5), Value.input("k", 1, 4, 8), Value.input("v", 1, 4, width));
    var program = new Program("nan", List.of(Graph.of("nan", "y", attention)), List.of("y"));
    Map<String, float[]> given =
        Map.of("q", new float[24], "k", new float[32], "v", new float[4 * width]);
    Arrays.fill(Objects.requireNonNull(given.get(where)), 0, count, Float.NaN);
    try (var weights = MemoryTensors.builder().build();
        Executable executable = engine().load(program, weights)) {
      var found =
          executable.run(
              Map.of(
                  "q", Tensor.ofFloats(Objects.requireNonNull(given.get("q")), 1, 3, 8),
                  "k", Tensor.ofFloats(Objects.requireNonNull(given.get("k")), 1, 4, 8),
                  "v", Tensor.ofFloats(Objects.requireNonNull(given.get("v")), 1, 4, width)));
      float[] y = Objects.requireNonNull(found.get("y")).toFloatArray();
      assertThat(y).contains(Float.NaN);
    }
  }

  private static void assertClose(
      Map<String, Tensor> found, Map<String, Tensor> expected, double tolerance) {
    assertThat(found.keySet()).containsExactlyInAnyOrderElementsOf(expected.keySet());
    expected.forEach(
        (name, tensor) -> assertClose(Objects.requireNonNull(found.get(name)), tensor, tolerance));
  }

  private static void assertClose(Tensor found, Tensor expected, double tolerance) {
    assertThat(found.type()).isEqualTo(expected.type());
    assertThat(found.shape()).containsExactly(expected.shape());
    if (expected.type() == ElementType.I64) {
      assertThat(found.longs()).isEqualTo(expected.longs());
      return;
    }
    float[] values = found.toFloatArray();
    float[] truth = expected.toFloatArray();
    double largest = 0;
    double error = 0;
    for (int i = 0; i < truth.length; i++) {
      assertThat(values[i]).as("element %d", i).isFinite();
      largest = Math.max(largest, Math.abs(truth[i]));
      error = Math.max(error, Math.abs((double) values[i] - truth[i]));
    }
    assertThat(error).isLessThanOrEqualTo(tolerance * largest);
  }

  /** Two blocks that differ only in their weights, over a value each replaces. */
  private static Program blocks() {
    var segments = new ArrayList<Graph>();
    for (String block : List.of("blocks.0.", "blocks.1.")) {
      var hidden = Value.input("hidden", "batch", "tokens", 4);
      var context = Value.input("context", "batch", "keys", 4);
      var mixed =
          hidden
              .linear(Value.weight(block + "q.weight", 4, 4), Value.weight(block + "q.bias", 4))
              .attention(new Op.Attention(2, 0.7), context, context);
      segments.add(Graph.of(block, "hidden", hidden.plus(mixed)));
    }
    var hidden = Value.input("hidden", "batch", "tokens", 4);
    var context = Value.input("context", "batch", "keys", 4);
    var outputs = new LinkedHashMap<String, Value>();
    outputs.put("sample", hidden.silu());
    outputs.put("context_mean", context.slice(2, 0, 2).plus(context.slice(2, 2, 4)).times(0.5));
    segments.add(new Graph("head", outputs));
    return new Program("blocks", segments, List.of("sample", "context_mean"));
  }

  @Test
  void segments_passNamedValuesOn() {
    assertMatches(blocks(), DType.F32);
  }

  @Test
  void output_mayBeAnEarlierSegmentsValue() {
    var x = Value.input("x", "batch", "tokens", 4);
    var y = Value.input("y", "batch", "tokens", 4);
    var program =
        new Program(
            "early",
            List.of(Graph.of("a", "y", x.times(2)), Graph.of("b", "z", y.plus(x))),
            List.of("z", "y"));

    assertMatches(program, DType.F32);
  }

  @Test
  void graph_mayGiveBackInputsWeightsConstantsAndOneValueTwice() {
    var x = Value.input("x", "batch", "tokens", 4);
    var doubled = x.times(2);
    var outputs = new LinkedHashMap<String, Value>();
    outputs.put("same", x);
    outputs.put("weight", Value.weight("w", 2, 3));
    outputs.put("constant", Value.constant(new float[] {1, 2}, 2));
    outputs.put("doubled", doubled);
    outputs.put("again", doubled);
    var program =
        new Program("plain", List.of(new Graph("plain", outputs)), List.copyOf(outputs.keySet()));

    assertMatches(program, DType.F32);
  }

  @Test
  void bind_holdsInputsUntilClosed() {
    Program program = blocks();
    try (var weights = ContractData.weights(program, DType.F32);
        Executable expected = reference.load(program, weights);
        Executable open = engine().load(program, weights)) {
      var inputs = ContractData.inputs(program, ContractData.SIZES.get(0));
      var fixed = Map.of("context", Objects.requireNonNull(inputs.get("context")));
      var rest = Map.of("hidden", Objects.requireNonNull(inputs.get("hidden")));
      var truth = expected.run(inputs);
      try (Executable bound = open.bind(fixed)) {
        assertThat(bound.inputNames()).containsExactly("hidden");
        assertClose(bound.run(rest), truth, tolerance(DType.F32));
        assertClose(bound.run(rest), truth, tolerance(DType.F32));
      }
      assertThat(open.inputNames()).containsExactly("hidden", "context");
      assertClose(open.run(inputs), truth, tolerance(DType.F32));
    }
  }

  @Test
  void run_namesWhatIsMissingOrDoesNotFit() {
    Program program = blocks();
    try (var weights = ContractData.weights(program, DType.F32);
        Executable executable = engine().load(program, weights)) {
      var hidden = Tensor.zeros(1, 3, 4);
      assertThatThrownBy(() -> executable.run(Map.of("hidden", hidden)))
          .isInstanceOf(GraphException.class)
          .hasMessageContaining("context");
      assertThatThrownBy(
              () -> executable.run(Map.of("hidden", hidden, "context", Tensor.zeros(1, 3, 5))))
          .isInstanceOf(GraphException.class)
          .hasMessageContaining("context")
          .hasMessageContaining("[1, 3, 5]");
      assertThatThrownBy(
              () -> executable.run(Map.of("hidden", hidden, "context", Tensor.zeros(2, 3, 4))))
          .isInstanceOf(GraphException.class);
      var longs = Tensor.ofLongs(new long[12], 1, 3, 4);
      assertThatThrownBy(() -> executable.run(Map.of("hidden", hidden, "context", longs)))
          .isInstanceOf(GraphException.class)
          .hasMessageContaining("context");
    }
  }

  @Test
  void load_namesTheTensorThatIsMissingOrMisshapen() {
    var x = Value.input("x", "batch", 8);
    Program program =
        new Program(
            "p", List.of(Graph.of("g", "y", x.linear(Value.weight("w", 5, 8)))), List.of("y"));
    var transposed = MemoryTensors.builder().addFloats("w", List.of(8L, 5L), new float[40]).build();
    var empty = MemoryTensors.builder().addFloats("v", List.of(1L), 0f).build();

    assertThatThrownBy(() -> engine().load(program, transposed))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContainingAll("w", "[5, 8]", "[8, 5]");
    assertThatThrownBy(() -> engine().load(program, empty))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("'w'");
  }

  @Test
  void weights_mayBeAnyFloatingTypeSideBySide() {
    var x = Value.input("x", "batch", 4);
    Program program =
        new Program(
            "mixed",
            List.of(Graph.of("g", "y", x.linear(Value.weight("w", 3, 4), Value.weight("b", 3)))),
            List.of("y"));
    try (var half = ContractData.weights(program, DType.BF16);
        var full = ContractData.weights(program, DType.F32);
        var mixed =
            half.overlaid(
                MemoryTensors.builder().addFloats("b", List.of(3L), full.floats("b")).build());
        Executable expected = reference.load(program, mixed);
        Executable found = engine().load(program, mixed)) {
      var inputs = ContractData.inputs(program, ContractData.SIZES.get(1));
      assertClose(found.run(inputs), expected.run(inputs), tolerance(DType.BF16));
    }
  }

  @Test
  void description_isOneLine() {
    assertThat(engine().description()).isNotBlank().doesNotContain("\n");
  }
}
