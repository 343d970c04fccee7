package io.github.tpdiff.runtime.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class GraphTest {
  private static final Dim N = Dim.symbol("n");

  private final Value x = Value.input("x", "batch", "n", 4);
  private final Value y = Value.input("y", "n", 4);
  private final Graph sum = Graph.of("sum", "z", x.plus(y).times(Value.weight("w", 4)));

  @Test
  void nodes_comeAfterTheirInputs() {
    List<Value> nodes = sum.nodes();

    for (Value node : nodes) {
      assertThat(nodes.subList(0, nodes.indexOf(node))).containsAll(node.inputs());
    }
    assertThat(nodes).doesNotHaveDuplicates().hasSize(5);
    assertThat(sum.inputs().keySet()).containsExactly("x", "y");
    assertThat(sum.weights().keySet()).containsExactly("w");
  }

  @Test
  void bind_readsSymbolsFromShapes() {
    assertThat(sum.bind(Map.of("x", new long[] {2, 3, 4}, "y", new long[] {3, 4})))
        .containsOnly(Map.entry("batch", 2L), Map.entry("n", 3L));
  }

  @Test
  void bind_namesTheInputThatDoesNotFit() {
    long[] fits = {2, 3, 4};

    assertThatThrownBy(() -> sum.bind(Map.of("x", fits)))
        .isInstanceOf(GraphException.class)
        .hasMessage("sum: input y is missing");
    assertThatThrownBy(() -> sum.bind(Map.of("x", fits, "y", new long[] {5, 4})))
        .isInstanceOf(GraphException.class)
        .hasMessage("sum: input y: expected [n, 4], found [5, 4]");
    assertThatThrownBy(() -> sum.bind(Map.of("x", fits, "y", new long[] {3, 5})))
        .hasMessageContaining("input y: expected [n, 4], found [3, 5]");
    assertThatThrownBy(() -> sum.bind(Map.of("x", fits, "y", new long[] {3})))
        .hasMessageContaining("input y: expected [n, 4], found [3]");
  }

  @Test
  void bind_checksComputedExtents() {
    Value half = Value.input("half", N.dividedBy(2));
    Graph graph = Graph.of("g", "z", Value.concat(0, Value.input("v", "n"), half));

    assertThat(graph.bind(Map.of("v", new long[] {5}, "half", new long[] {2})))
        .containsEntry("n", 5L);
    assertThatThrownBy(() -> graph.bind(Map.of("v", new long[] {5}, "half", new long[] {3})))
        .isInstanceOf(GraphException.class)
        .hasMessageContaining("half");
  }

  @Test
  void graph_refusesSymbolsThatNothingBinds() {
    assertThatThrownBy(() -> Graph.of("g", "z", Value.arange(N)))
        .isInstanceOf(GraphException.class)
        .hasMessageContaining("no input binds the symbols of n");
    Value fixed = Value.input("v", 8);
    assertThatThrownBy(() -> Graph.of("g", "z", fixed.slice(0, N, N.plus(1))))
        .isInstanceOf(GraphException.class)
        .hasMessageContaining("no input binds the symbols of n");
  }

  @Test
  void graph_refusesOneNameForTwoThings() {
    assertThatThrownBy(() -> Graph.of("g", "z", Value.input("x", 4).plus(Value.input("x", 1))))
        .isInstanceOf(GraphException.class)
        .hasMessageContaining("x has shape");
    Value real = Value.input("x", 4);
    Value index = Value.indexInput("x", 4).cast(ElementType.F32);
    assertThatThrownBy(() -> Graph.of("g", "z", real.plus(index)))
        .isInstanceOf(GraphException.class)
        .hasMessageContaining("x has type");
    assertThatThrownBy(() -> new Graph("g", Map.of()))
        .isInstanceOf(GraphException.class)
        .hasMessageContaining("no output");
  }

  @Test
  void values_refuseInputsThatDoNotFit() {
    assertThatThrownBy(() -> x.linear(Value.weight("w", 4, 5)))
        .isInstanceOf(GraphException.class)
        .hasMessageContaining("linear input: expected 5, found [batch, n, 4]");
    assertThatThrownBy(() -> x.reshape("batch", "n", 5)).isInstanceOf(GraphException.class);
    assertThatThrownBy(() -> x.transpose(0, 1, 1)).isInstanceOf(GraphException.class);
    assertThatThrownBy(() -> x.slice(2, 1, 5)).isInstanceOf(GraphException.class);
    assertThatThrownBy(() -> Value.indexInput("i", 3).silu()).isInstanceOf(GraphException.class);
    assertThatThrownBy(() -> x.gather(y)).isInstanceOf(GraphException.class);
    assertThatThrownBy(() -> Value.concat(1, x, Value.input("o", "batch", 1, 5)))
        .isInstanceOf(GraphException.class);
    assertThatThrownBy(() -> x.attention(new Op.Attention(3, 1), x, x))
        .isInstanceOf(GraphException.class)
        .hasMessageContaining("attention width");
  }

  @Test
  void rewrite_replacesAndRewires() {
    Graph doubled =
        sum.rewrite(
            (value, inputs) ->
                value.op() instanceof Op.Weight ? Optional.of(value.times(2)) : Optional.empty());

    Value product = Objects.requireNonNull(doubled.outputs().get("z"));
    assertThat(product.op()).isEqualTo(new Op.Binary(Op.BinaryKind.MUL));
    assertThat(product.inputs().get(0)).isSameAs(sum.nodes().get(2));
    assertThat(product.inputs().get(1).inputs().get(0).op()).isEqualTo(new Op.Weight("w"));
    assertThat(sum.nodes()).hasSize(5);
    assertThat(doubled.nodes()).hasSize(7);
  }

  @Test
  void rewrite_ofNothingKeepsEveryNode() {
    assertThat(sum.rewrite((value, inputs) -> Optional.empty()).nodes()).isEqualTo(sum.nodes());
  }
}
