package io.github.tpdiff.runtime.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import org.junit.jupiter.api.Test;

class ShapeTest {
  @Test
  void broadcast_alignsRightAndStretchesOnes() {
    assertThat(Shape.broadcast(Shape.of("b", 1, 6), Shape.of("n", 1)))
        .isEqualTo(Shape.of("b", "n", 6));
    assertThat(Shape.broadcast(Shape.of(), Shape.of("b", 2))).isEqualTo(Shape.of("b", 2));
    assertThat(Shape.broadcast(Shape.of("b", 2), Shape.of("b", 2))).isEqualTo(Shape.of("b", 2));
  }

  @Test
  void broadcast_refusesWhatMayDiffer() {
    assertThatThrownBy(() -> Shape.broadcast(Shape.of("n", 2), Shape.of("m", 2)))
        .isInstanceOf(GraphException.class)
        .hasMessageContaining("[n, 2]")
        .hasMessageContaining("[m, 2]");
    assertThatThrownBy(() -> Shape.broadcast(Shape.of(3), Shape.of(2)))
        .isInstanceOf(GraphException.class);
  }

  @Test
  void axes_countFromEitherEnd() {
    Shape shape = Shape.of("b", 4, "n");

    assertThat(shape.dim(-1)).isEqualTo(Dim.symbol("n"));
    assertThat(shape.with(-2, Dim.of(5))).isEqualTo(Shape.of("b", 5, "n"));
    assertThatThrownBy(() -> shape.dim(3))
        .isInstanceOf(GraphException.class)
        .hasMessageContaining("axis 3");
    assertThatThrownBy(() -> shape.dim(-4)).isInstanceOf(GraphException.class);
  }

  @Test
  void elementCount_isTheProduct() {
    assertThat(Shape.of("b", 4, "n").elementCount().evaluate(Map.of("b", 2L, "n", 3L)))
        .isEqualTo(24);
    assertThat(Shape.of().elementCount().value()).isEqualTo(1);
    assertThat(Shape.of(2, 3).isFixed()).isTrue();
    assertThat(Shape.of(2, "n").isFixed()).isFalse();
  }

  @Test
  void of_refusesOtherExtents() {
    assertThatThrownBy(() -> Shape.of(2, 'n'))
        .isInstanceOf(GraphException.class)
        .hasMessageContaining("found n");
  }
}
