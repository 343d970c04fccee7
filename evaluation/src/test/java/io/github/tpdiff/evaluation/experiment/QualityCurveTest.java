package io.github.tpdiff.evaluation.experiment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.SplittableRandom;
import java.util.function.DoubleUnaryOperator;
import java.util.stream.DoubleStream;
import org.junit.jupiter.api.Test;

class QualityCurveTest {
  private static final double[] COSTS = {1, 2, 4, 8, 16, 32};

  private static QualityCurve curve(DoubleUnaryOperator quality) {
    return new QualityCurve(
        DoubleStream.of(COSTS).boxed().toList(),
        DoubleStream.of(COSTS).map(quality).boxed().toList());
  }

  /** Quality rises evenly with the logarithm of cost, so interpolation is exact. */
  private static double law(double cost) {
    return 0.1 + 0.15 * Math.log(cost);
  }

  @Test
  void aCurveThatIsTwiceAsFast_savesTwo() {
    QualityCurve slow = curve(QualityCurveTest::law);
    QualityCurve fast = curve(cost -> law(2 * cost));
    assertThat(fast.speedUpOver(slow).orElseThrow()).isCloseTo(2, within(1e-12));
    assertThat(slow.speedUpOver(fast).orElseThrow()).isCloseTo(0.5, within(1e-12));
    assertThat(slow.speedUpOver(slow).orElseThrow()).isCloseTo(1, within(1e-12));
  }

  @Test
  void atEachPoint_whatWasNeverSeenIsNotSaid() {
    QualityCurve slow = curve(QualityCurveTest::law);
    QualityCurve fast = curve(cost -> law(1.7 * cost));
    List<OptionalDouble> all = fast.speedUpsOver(slow);
    assertThat(all.get(0)).isEmpty(); // the fast one begins above it
    assertThat(all.subList(1, 6))
        .allSatisfy(s -> assertThat(s.orElseThrow()).isCloseTo(1.7, within(1e-12)));
    assertThat(slow.speedUpsOver(fast).get(5)).isEmpty(); // the slow one never gets there
  }

  @Test
  void aCurveThatBeginsAboveTheOthersEnd_hasNoSpeedUp() {
    QualityCurve low = curve(cost -> 0.01 * law(cost));
    assertThat(curve(cost -> 1 + law(cost)).speedUpOver(low)).isEmpty();
  }

  @Test
  void curvesThatNeverRise_haveNoSpeedUp() {
    QualityCurve flat = curve(cost -> 0);
    assertThat(flat.speedUpOver(flat)).isEmpty();
    assertThat(curve(QualityCurveTest::law).speedUpOver(flat)).isEmpty();
    assertThat(flat.speedUpsOver(flat)).allMatch(OptionalDouble::isEmpty);
  }

  @Test
  void rising_isTheLeastSquaresFit() {
    // By hand: 3, 1 pool to 2; of 4, 6, 2, 3 the last three pool to 11/3, below 4: all to 3.75.
    QualityCurve noisy =
        curve(
            cost ->
                new double[] {3, 1, 4, 6, 2, 3}[(int) Math.round(Math.log(cost) / Math.log(2))]);
    assertThat(noisy.rising().qualities()).containsExactly(2.0, 2.0, 3.75, 3.75, 3.75, 3.75);
    QualityCurve rises = curve(QualityCurveTest::law);
    assertThat(rises.rising()).isEqualTo(rises);
  }

  @Test
  void rising_isNearerThanAnyOtherRisingCurve() {
    var random = new SplittableRandom(3);
    for (int trial = 0; trial < 50; trial++) {
      double[] noisy = random.doubles(6).toArray();
      QualityCurve curve = curve(cost -> noisy[(int) Math.round(Math.log(cost) / Math.log(2))]);
      double best = squares(curve.rising().qualities(), noisy);
      for (int other = 0; other < 300; other++) {
        List<Double> sorted = random.doubles(6).sorted().boxed().toList();
        assertThat(squares(sorted, noisy)).isGreaterThanOrEqualTo(best);
      }
    }
  }

  private static double squares(List<Double> curve, double[] values) {
    double sum = 0;
    for (int i = 0; i < values.length; i++) {
      sum += (curve.get(i) - values[i]) * (curve.get(i) - values[i]);
    }
    return sum;
  }

  @Test
  void theInterval_holdsTheTruth_andShrinksWithSeeds() {
    assertThat(width(3)).isGreaterThan(2 * width(60));
    SpeedUp many = noisy(60);
    assertThat(many.low().orElseThrow()).isLessThan(1.6);
    assertThat(many.high().orElseThrow()).isGreaterThan(1.6);
    assertThat(many.value().orElseThrow()).isCloseTo(1.6, within(0.1));
    assertThat(noisy(1).low()).isEmpty();
    assertThat(SpeedUp.of(List.of(), List.of())).isEmpty();
  }

  private static double width(int seeds) {
    SpeedUp noisy = noisy(seeds);
    return noisy.high().orElseThrow() - noisy.low().orElseThrow();
  }

  private static SpeedUp noisy(int seeds) {
    var random = new SplittableRandom(7);
    var own = new ArrayList<QualityCurve>();
    var others = new ArrayList<QualityCurve>();
    for (int seed = 0; seed < seeds; seed++) {
      own.add(curve(cost -> law(1.6 * cost) + 0.04 * (random.nextDouble() - 0.5)));
      others.add(curve(cost -> law(cost) + 0.04 * (random.nextDouble() - 0.5)));
    }
    return SpeedUp.of(own, others).orElseThrow();
  }

  @Test
  void badCurves_areRefused() {
    assertThatThrownBy(() -> new QualityCurve(List.of(1.0, 1.0), List.of(1.0, 2.0)))
        .hasMessageContaining("costs above 0 that rise");
    assertThatThrownBy(() -> new QualityCurve(List.of(), List.of()))
        .hasMessageContaining("at least one");
    assertThatThrownBy(() -> new QualityCurve(List.of(1.0), List.of(Double.NaN)))
        .hasMessageContaining("numbers");
  }
}
