package io.github.tpdiff.runtime.cost;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Percentage.withPercentage;

import io.github.tpdiff.runtime.cost.PlanCost.Request;
import io.github.tpdiff.runtime.cost.PlanCost.StageRun;
import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.Op;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.graph.Value;
import io.github.tpdiff.weights.DType;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class PlanCostTest {
  private static final Machine MACHINE =
      new Machine(new Machine.Products(1e9, 1e30), new Machine.Products(1e9, 1e30), 1e9, 1e30, 0);

  private static final Value X = Value.input("x", 1, "frames", 16);

  private static PlanCost price(Value output, Request request) {
    var denoiser =
        new CostModel(
            new Program("p", List.of(Graph.of("g", "y", output)), List.of("y")),
            WeightSizes.all(DType.F32));
    return PlanCost.of(denoiser, request);
  }

  private static StageRun run(long frames, int steps) {
    return new StageRun(Map.of("x", new long[] {1, frames, 16}), steps);
  }

  private static Request stages(int evaluations) {
    return new Request(List.of(run(6, 10), run(12, 10), run(24, 10)), evaluations);
  }

  @Test
  void linearWork_gainsAsTokensDo() {
    PlanCost cost = price(X.linear(Value.weight("w", 16, 16)), stages(1));

    assertThat(cost.vanilla().run().steps()).isEqualTo(30);
    assertThat(cost.vanilla().run().inputs()).isEqualTo(cost.stages().get(2).run().inputs());
    assertThat(cost.flops()).isEqualTo(10L * (6 + 12 + 24) * 2 * 16 * 16);
    assertThat(cost.vanilla().flops()).isEqualTo(30L * 24 * 2 * 16 * 16);
    assertThat(cost.speedUp(MACHINE)).isCloseTo(12.0 / 7, withPercentage(1e-6));
  }

  @Test
  void attention_gainsAsTheSquareOfTokens() {
    PlanCost cost = price(X.attention(new Op.Attention(1, 1), X, X), stages(1));

    assertThat(cost.speedUp(MACHINE)).isCloseTo(16.0 / 7, withPercentage(1e-6));
    assertThat(cost.stages()).extracting(PlanCost.StageCost::tokens).containsExactly(6L, 12L, 24L);
  }

  @Test
  void guidance_doublesTimeButNotTheGainOrThePeak() {
    Value y = X.attention(new Op.Attention(1, 1), X, X);
    PlanCost without = price(y, stages(1));
    PlanCost with = price(y, stages(2));

    assertThat(with.seconds(MACHINE)).isCloseTo(2 * without.seconds(MACHINE), withPercentage(1e-9));
    assertThat(with.flops()).isEqualTo(2 * without.flops());
    assertThat(with.speedUp(MACHINE)).isCloseTo(without.speedUp(MACHINE), withPercentage(1e-9));
    assertThat(with.peakBytes()).isEqualTo(without.peakBytes());
  }

  @Test
  void peak_isThatOfTheLastAndLargestStage() {
    PlanCost cost = price(X.times(2), stages(1));

    assertThat(cost.peakBytes()).isEqualTo(cost.vanilla().peakBytes()).isEqualTo(2 * 4 * 24 * 16);
  }

  @Test
  void oneStage_costsWhatVanillaCosts() {
    PlanCost cost = price(X.times(2), new Request(List.of(run(24, 30)), 2));

    assertThat(cost.flops()).isEqualTo(cost.vanilla().flops());
    assertThat(cost.speedUp(MACHINE)).isEqualTo(1);
  }
}
