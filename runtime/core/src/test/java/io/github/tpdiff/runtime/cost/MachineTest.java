package io.github.tpdiff.runtime.cost;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Percentage.withPercentage;

import io.github.tpdiff.runtime.reference.ReferenceEngine;
import io.github.tpdiff.weights.DType;
import java.util.EnumMap;
import java.util.List;
import org.junit.jupiter.api.Test;

class MachineTest {
  private static final Machine MACHINE =
      new Machine(
          new Machine.Products(1e11, 4e9), new Machine.Products(2e10, 5e8), 5e10, 8e9, 1e-5);

  private static final Machine.Products ONE = new Machine.Products(1, 1);

  private static Cost cost(Work work) {
    return new Cost(List.of(new SegmentCost("s", work, 0, 0, 0)), 0);
  }

  @Test
  void prediction_isASum() {
    var work =
        new Work(
            new Work.Products(200_000_000_000L, 8_000_000_000L),
            new Work.Products(40_000_000_000L, 1_000_000_000L),
            100_000_000_000L,
            4_000_000_000L,
            1000);

    // 2 + 2 s of linear, 2 + 2 s of conv, 2 s of attention, 0.5 s of memory, 0.01 s of starting
    assertThat(MACHINE.predictSeconds(cost(work))).isCloseTo(10.51, withPercentage(1e-6));
  }

  @Test
  void prediction_waitsForWeightsHoweverFewTokens() {
    assertThat(MACHINE.predictSeconds(cost(Work.linear(new Work.Products(1000, 4_000_000_000L)))))
        .isCloseTo(1 + 1e-5, withPercentage(1e-6));
  }

  @Test
  void rates_mustBePositive() {
    assertThatThrownBy(() -> new Machine(ONE, ONE, 0, 1, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("above 0");
  }

  /** The times that a known machine would take give that machine back. */
  @Test
  void fit_recoversTheMachineThatTimesComeFrom() {
    var size = new Calibration.Size(1024, 768);
    var seconds = new EnumMap<Probe, Double>(Probe.class);
    for (Probe probe : Probe.values()) {
      var model = new CostModel(probe.program(size), WeightSizes.all(DType.F32));
      seconds.put(probe, MACHINE.predictSeconds(model.price(probe.inputShapes(size))));
    }
    Machine fitted = new Calibration(size, seconds).fit();

    // The programs are not pure: the overhead's moves a few bytes, the others start a few nodes.
    requireClose(fitted.linear(), MACHINE.linear());
    requireClose(fitted.conv(), MACHINE.conv());
    assertThat(fitted.attentionFlops()).isCloseTo(MACHINE.attentionFlops(), withPercentage(1));
    assertThat(fitted.bytes()).isCloseTo(MACHINE.bytes(), withPercentage(1));
    assertThat(fitted.nodeSeconds()).isCloseTo(MACHINE.nodeSeconds(), withPercentage(1));
  }

  private static void requireClose(Machine.Products found, Machine.Products expected) {
    assertThat(found.flops()).isCloseTo(expected.flops(), withPercentage(1));
    assertThat(found.weights()).isCloseTo(expected.weights(), withPercentage(1));
  }

  @Test
  void measure_timesARealEngine() {
    try (var engine = new ReferenceEngine()) {
      Machine machine = Calibration.measure(engine, new Calibration.Size(16, 128));

      // Nested loops in Java: somewhere between a million and a hundred billion a second.
      for (double rate :
          List.of(machine.linear().flops(), machine.conv().flops(), machine.attentionFlops())) {
        assertThat(rate).isBetween(1e6, 1e11);
      }
      assertThat(machine.nodeSeconds()).isBetween(0.0, 0.1);
    }
  }
}
