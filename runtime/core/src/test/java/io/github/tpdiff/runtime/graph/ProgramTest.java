package io.github.tpdiff.runtime.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class ProgramTest {
  private static final Value X = Value.input("x", "n", 2);
  private static final Value SKIP = Value.input("skip", "n", 2);
  private static final Value CONTEXT = Value.input("context", "m", 2);

  /** x to (x, skip); x, context to x; x, skip to out. */
  private final Program program =
      new Program(
          "p",
          List.of(
              new Graph("in", Map.of("x", X.linear(Value.weight("a", 2, 2)), "skip", X.times(2))),
              Graph.of("mid", "x", Value.concat(0, X, CONTEXT)),
              Graph.of(
                  "out",
                  "out",
                  Value.concat(
                      0,
                      Value.input("x", "k", 2),
                      SKIP.times(Value.weight("a", 2, 2).slice(0, 0, 1))))),
          List.of("out"));

  @Test
  void inputs_areWhatNoEarlierSegmentProduces() {
    assertThat(program.inputs().keySet()).containsExactly("x", "context");
    assertThat(program.weights().keySet()).containsExactly("a");
  }

  @Test
  void deadAfter_keepsWhatIsReadLater() {
    assertThat(program.deadAfter(0)).isEmpty();
    assertThat(program.deadAfter(1)).containsExactly("context");
    assertThat(program.deadAfter(2)).containsExactlyInAnyOrder("x", "skip", "context");
  }

  @Test
  void shapes_followTheSegments() {
    var shapes = program.shapes(Map.of("x", new long[] {3, 2}, "context", new long[] {5, 2}));

    assertThat(Objects.requireNonNull(shapes.get("skip"))).containsExactly(3, 2);
    assertThat(Objects.requireNonNull(shapes.get("x"))).containsExactly(8, 2);
    assertThat(Objects.requireNonNull(shapes.get("out"))).containsExactly(11, 2);
  }

  @Test
  void then_readsWhatCameBefore() {
    var next =
        new Program(
            "next", List.of(Graph.of("n", "y", Value.input("out", "n", 2).silu())), List.of("y"));
    Program both = program.then(next);

    assertThat(both.name()).isEqualTo("next");
    assertThat(both.inputs().keySet()).containsExactly("x", "context");
    assertThat(both.outputs()).containsExactly("y");
  }

  @Test
  void program_refusesOutputsThatNothingProducesAndTypesThatDiffer() {
    Graph graph = Graph.of("g", "y", X.times(2));

    assertThatThrownBy(() -> new Program("p", List.of(graph), List.of("z")))
        .isInstanceOf(GraphException.class)
        .hasMessage("p: no segment produces output z");
    Graph reader = Graph.of("reader", "z", Value.indexInput("y", "n", 2).cast(ElementType.F32));
    assertThatThrownBy(() -> new Program("p", List.of(graph, reader), List.of("z")))
        .isInstanceOf(GraphException.class)
        .hasMessage("program p: segment reader: input y: expected I64, found F32");
  }

  /** What is wrong with a segment that reads {@code x}, [n, 2], and {@code y}, [2·n+1, 4]. */
  private static @Nullable String refusal(Value... read) {
    Value more = Value.concat(0, X, X, Value.weight("one", 1, 2));
    Graph first = new Graph("first", Map.of("x", X.silu(), "y", Value.concat(1, more, more)));
    var outputs = new HashMap<String, Value>();
    for (Value value : read) {
      outputs.put("out" + outputs.size(), value.silu());
    }
    Graph second = new Graph("second", outputs);
    try {
      new Program("p", List.of(first, second), List.of("out0"));
      return null;
    } catch (GraphException refused) {
      return refused.getMessage();
    }
  }

  @Test
  void aSegmentsSymbols_meanWhatTheProgramHasInTheirPlace() {
    Dim k = Dim.symbol("k");
    assertThat(refusal(Value.input("x", "k", 2), Value.input("y", k.times(2).plus(1), 4))).isNull();
    assertThat(refusal(Value.input("x", "n", 2), Value.input("y", "rows", "columns"))).isNull();
    assertThat(refusal(Value.input("y", "k", 4), Value.input("new", "k", 3))).isNull();
  }

  @Test
  void aSegmentsInput_hasTheShapeThatTheProgramGivesIt() {
    Dim k = Dim.symbol("k");
    String start = "program p: segment second: input ";
    assertThat(refusal(Value.input("x", "n", 3)))
        .isEqualTo(start + "x: expected [n, 3], found [n, 2]");
    assertThat(refusal(Value.input("x", "n", 2, 1)))
        .isEqualTo(start + "x: expected [n, 2, 1], found [n, 2]");
    assertThat(refusal(Value.input("x", 5, 2)))
        .isEqualTo(start + "x: expected [5, 2], found [n, 2]");
    assertThat(refusal(Value.input("x", "k", 2), Value.input("y", k.times(2), 4)))
        .isEqualTo(start + "y: expected [2*n, 4], found [2*n+1, 4]");
    assertThat(refusal(Value.input("x", "k", "k")))
        .isEqualTo(start + "x: expected [n, n], found [n, 2]");
  }

  @Test
  void aWeightOfTwoShapes_isRefused() {
    Graph one = Graph.of("one", "y", X.linear(Value.weight("w", 2, 2)));
    Graph other = Graph.of("other", "z", Value.input("y", "n", 2).linear(Value.weight("w", 3, 2)));
    assertThatThrownBy(() -> new Program("p", List.of(one, other), List.of("z")))
        .isInstanceOf(GraphException.class)
        .hasMessage("program p: segment other: weight w: expected [3, 2], found [2, 2]");
  }
}
