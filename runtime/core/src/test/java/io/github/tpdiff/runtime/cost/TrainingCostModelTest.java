package io.github.tpdiff.runtime.cost;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.tpdiff.runtime.engine.Activations;
import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.Op;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.graph.Value;
import io.github.tpdiff.weights.DType;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class TrainingCostModelTest {
  private static final int TOKENS = 10;
  private static final int WIDTH = 4;
  private static final int RANK = 2;
  private static final long PRODUCT = 2L * TOKENS * WIDTH * WIDTH;
  private static final long LOW = 2L * TOKENS * WIDTH * RANK;
  private static final Map<String, long[]> SHAPES = Map.of("x", new long[] {1, TOKENS, WIDTH});

  private static Value changed(Value x, String name) {
    return x.linear(Value.weight(name, WIDTH, WIDTH))
        .plus(
            x.linear(Value.weight(name + ".a", RANK, WIDTH))
                .linear(Value.weight(name + ".b", WIDTH, RANK)));
  }

  /** Two changed layers with an activation between, twice. */
  private static Program program() {
    var first = changed(changed(Value.input("x", 1, "n", WIDTH), "p").silu(), "q");
    var second = changed(changed(Value.input("x", 1, "n", WIDTH), "r").silu(), "s");
    return new Program(
        "program",
        List.of(Graph.of("one", "x", first), Graph.of("two", "x", second)),
        List.of("x"));
  }

  private static TrainingCost price(Program program, Set<String> trained, long keptBytes) {
    return new TrainingCostModel(program, WeightSizes.all(DType.F32), trained)
        .price(SHAPES, keptBytes);
  }

  private static final Set<String> ADDED =
      Set.of("p.a", "p.b", "q.a", "q.b", "r.a", "r.b", "s.a", "s.b");

  /** Of six values of a chain, three are used at once: what is read, its gradient, what is made. */
  @Test
  void valuesBetweenSegments_countAsLongAsTheyAreUsed_whereTheyWaitElsewhere() {
    var chain = new ArrayList<Graph>();
    for (String name : List.of("p", "q", "r", "s", "t")) {
      chain.add(Graph.of(name, "x", changed(Value.input("x", 1, "n", WIDTH), name)));
    }
    var cost = price(new Program("chain", chain, List.of("x")), Set.of("p.a", "p.b"), 0);
    assertThat(cost.activationBytes() - cost.offloadedBytes())
        .isEqualTo((6 - 3) * TOKENS * WIDTH * Float.BYTES);
  }

  @Test
  void frozenProductsCountOnceForwardAndOnceBack_lowRankOnesBothWays() {
    long flops = price(program(), ADDED, Long.MAX_VALUE).work().flops();

    // Forward 4 frozen products and 4 pairs. Back: nothing before p has a gradient, so 3 products.
    // Of each pair B has gradients of both operands, A of its weight and, but in p, of its input.
    long forward = 4 * PRODUCT + 8 * LOW;
    long back = 3 * PRODUCT + 4 * 2 * LOW + 4 * LOW + 3 * LOW;
    assertThat(flops).isEqualTo(forward + back);
  }

  @Test
  void whatIsNotKept_isMadeAgain_butTheLastProductOfASegment() {
    long kept = price(program(), ADDED, Long.MAX_VALUE).work().flops();
    long again = price(program(), ADDED, 0).work().flops();

    // p and r with their changes, and what A gives of q and s: nobody reads these themselves.
    assertThat(again - kept).isEqualTo(2 * (PRODUCT + 3 * LOW));
  }

  @Test
  void keptProductsTakeMemory_asFarAsTheyMay() {
    long one = 4L * TOKENS * (WIDTH + 2 * RANK); // p's result with its change, what two A give
    long none = price(program(), ADDED, 0).activationBytes();
    long all = price(program(), ADDED, 2 * one).activationBytes();
    long first = price(program(), ADDED, one).activationBytes();

    // One segment's are made again at a time.
    assertThat(all).isEqualTo(none - one + 2 * one);
    assertThat(first).isEqualTo(none + one);
  }

  @Test
  void attentionIsFivePartsOfTwoBack() {
    Value x = Value.input("x", 1, "n", WIDTH);
    Value q = x.times(Value.weight("a", WIDTH));
    var program =
        new Program(
            "program",
            List.of(Graph.of("one", "y", q.attention(new Op.Attention(1, 1), x, x))),
            List.of("y"));
    long forward = 4L * TOKENS * TOKENS * WIDTH;

    assertThat(price(program, Set.of("a"), Long.MAX_VALUE).work().attentionFlops())
        .isEqualTo(forward + forward * 5 / 2);
  }

  @Test
  void automatic_takesHalfOfWhatIsThere() {
    assertThat(Activations.AUTO.keptBytes(() -> 100)).isEqualTo(50);
    assertThat(Activations.RECOMPUTED.keptBytes(() -> 100)).isZero();
    assertThat(Activations.KEPT.keptBytes(() -> 100)).isEqualTo(Long.MAX_VALUE);
  }
}
