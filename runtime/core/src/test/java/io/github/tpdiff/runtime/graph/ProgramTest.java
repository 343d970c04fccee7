package io.github.tpdiff.runtime.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import java.util.Objects;
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
        .hasMessage("reader: y: expected I64, found F32");
  }
}
