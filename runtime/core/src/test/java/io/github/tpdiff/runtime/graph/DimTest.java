package io.github.tpdiff.runtime.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import java.util.function.ToLongFunction;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.LongRange;
import org.junit.jupiter.api.Test;

class DimTest {
  private static final Dim H = Dim.symbol("h");
  private static final Dim W = Dim.symbol("w");

  /** A dim and the same expression in plain arithmetic. */
  record Expression(Dim dim, ToLongFunction<Map<String, Long>> value) {
    @Override
    public String toString() {
      return dim.toString();
    }
  }

  @Provide
  Arbitrary<Expression> expressions() {
    return Arbitraries.recursive(DimTest::leaves, DimTest::grown, 0, 4);
  }

  private static Arbitrary<Expression> leaves() {
    return Arbitraries.oneOf(
        Arbitraries.longs().between(-20, 20).map(c -> new Expression(Dim.of(c), b -> c)),
        Arbitraries.of("f", "h", "w")
            .map(s -> new Expression(Dim.symbol(s), b -> b.getOrDefault(s, 0L))));
  }

  private static Arbitrary<Expression> grown(Arbitrary<Expression> smaller) {
    return Arbitraries.oneOf(
        Combinators.combine(smaller, smaller)
            .as(
                (x, y) ->
                    new Expression(
                        x.dim().plus(y.dim()),
                        b -> x.value().applyAsLong(b) + y.value().applyAsLong(b))),
        Combinators.combine(smaller, smaller)
            .as(
                (x, y) ->
                    new Expression(
                        x.dim().minus(y.dim()),
                        b -> x.value().applyAsLong(b) - y.value().applyAsLong(b))),
        Combinators.combine(smaller, leaves())
            .as(
                (x, y) ->
                    new Expression(
                        x.dim().times(y.dim()),
                        b -> x.value().applyAsLong(b) * y.value().applyAsLong(b))),
        Combinators.combine(smaller, Arbitraries.longs().between(1, 8))
            .as(
                (x, d) ->
                    new Expression(
                        x.dim().dividedBy(d), b -> Math.floorDiv(x.value().applyAsLong(b), d))));
  }

  @Property(tries = 500)
  void evaluate_isThatOfTheExpression(
      @ForAll("expressions") Expression e,
      @ForAll @LongRange(min = -30, max = 100) long f,
      @ForAll @LongRange(min = -30, max = 100) long h,
      @ForAll @LongRange(min = -30, max = 100) long w) {
    var binding = Map.of("f", f, "h", h, "w", w);

    assertThat(e.dim().evaluate(binding)).isEqualTo(e.value().applyAsLong(binding));
  }

  @Property(tries = 200)
  void sumsAndProducts_areOneObjectInAnyOrder(
      @ForAll("expressions") Expression a,
      @ForAll("expressions") Expression b,
      @ForAll("expressions") Expression c) {
    Dim x = a.dim();
    Dim y = b.dim();
    Dim z = c.dim();

    assertThat(x.plus(y)).isEqualTo(y.plus(x)).hasSameHashCodeAs(y.plus(x));
    assertThat(x.plus(y).plus(z)).isEqualTo(x.plus(y.plus(z)));
    assertThat(x.times(y.plus(z))).isEqualTo(x.times(y).plus(x.times(z)));
    assertThat(x.minus(x)).isEqualTo(Dim.of(0));
  }

  @Property(tries = 200)
  void wholeMultiples_leaveAQuotient(
      @ForAll("expressions") Expression a,
      @ForAll("expressions") Expression b,
      @ForAll @LongRange(min = 1, max = 9) long d) {
    Dim x = a.dim();
    Dim y = b.dim();

    assertThat(x.times(d).plus(y).dividedBy(d)).isEqualTo(x.plus(y.dividedBy(d)));
  }

  @Property(tries = 200)
  void commonFactors_leaveAQuotient(
      @ForAll("expressions") Expression a,
      @ForAll @LongRange(min = 1, max = 9) long d,
      @ForAll @LongRange(min = 1, max = 9) long factor) {
    assertThat(a.dim().times(factor).dividedBy(d * factor)).isEqualTo(a.dim().dividedBy(d));
  }

  @Test
  void sameConvolution_keepsTheExtent() {
    assertThat(H.plus(2 - 3).dividedBy(1).plus(1)).isEqualTo(H);
    assertThat(H.times(W).times(2).dividedBy(2)).isEqualTo(W.times(H));
  }

  @Test
  void fixedDims_haveAValue_othersSayThatTheyHaveNone() {
    assertThat(Dim.of(7).dividedBy(2).value()).isEqualTo(3);
    assertThat(H.minus(H).is(0)).isTrue();
    assertThatThrownBy(() -> H.plus(1).value())
        .isInstanceOf(GraphException.class)
        .hasMessageContaining("symbolic");
  }

  @Test
  void evaluate_namesTheSymbolThatIsNotBound() {
    assertThatThrownBy(() -> H.times(W).dividedBy(2).evaluate(Map.of("h", 1L)))
        .isInstanceOf(GraphException.class)
        .hasMessageContaining("w")
        .hasMessageContaining("[h]");
  }

  @Test
  void evaluate_refusesOverflow() {
    assertThatThrownBy(() -> H.times(H).evaluate(Map.of("h", 1L << 40)))
        .isInstanceOf(GraphException.class)
        .hasMessageContaining("2^63");
  }

  @Test
  void symbols_areNames() {
    assertThatThrownBy(() -> Dim.symbol("(h)/2")).isInstanceOf(GraphException.class);
    assertThat(H.times(W).dividedBy(3).plus(H).symbols()).containsExactly("h", "w");
    assertThat(H.asSymbol()).contains("h");
    assertThat(H.times(2).asSymbol()).isEmpty();
    assertThatThrownBy(() -> H.dividedBy(0)).isInstanceOf(GraphException.class);
  }

  @Test
  void substituted_dimsComeToWhatTheirMeaningsComeTo() {
    Dim height = Dim.symbol("height");
    Dim dim = height.times(height).plus(height.plus(3).dividedBy(4)).plus(Dim.symbol("other"));
    Dim meaning = Dim.symbol("rows").times(2).plus(1);
    Dim substituted = dim.substitute(Map.of("height", meaning));
    for (long rows = 0; rows < 20; rows++) {
      long tall = 2 * rows + 1;
      assertThat(substituted.evaluate(Map.of("rows", rows, "other", 7L)))
          .isEqualTo(dim.evaluate(Map.of("height", tall, "other", 7L)));
    }
  }
}
