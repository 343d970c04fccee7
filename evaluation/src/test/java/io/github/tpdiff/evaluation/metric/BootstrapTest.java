package io.github.tpdiff.evaluation.metric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.tpdiff.evaluation.metric.Bootstrap.Interval;
import java.util.Arrays;
import java.util.Random;
import java.util.function.ToDoubleFunction;
import org.junit.jupiter.api.Test;

final class BootstrapTest {
  @Test
  void ofAMean_isAsWideAsItsStandardErrorSays() {
    var random = new Random(5);
    double[] values = random.doubles(200, -1, 1).toArray();
    double mean = Arrays.stream(values).average().orElseThrow();
    double error =
        Math.sqrt(
            Arrays.stream(values).map(v -> (v - mean) * (v - mean)).average().orElseThrow() / 200);
    ToDoubleFunction<int[]> figure =
        chosen -> Arrays.stream(chosen).mapToDouble(i -> values[i]).average().orElseThrow();
    Interval found = new Bootstrap(4000, 1).percentiles(200, figure);
    // 4000 draws know the 2.5 % quantile to about 3 % of the standard error.
    assertThat(found.low()).isCloseTo(mean - 1.96 * error, within(0.15 * error));
    assertThat(found.high()).isCloseTo(mean + 1.96 * error, within(0.15 * error));
    assertThat(new Bootstrap(4000, 1).percentiles(200, figure)).isEqualTo(found);
    assertThat(new Bootstrap(4000, 2).percentiles(200, figure)).isNotEqualTo(found);
  }

  @Test
  void around_reachesTwoDeviationsToEachSide_notBelowZero() {
    // Deviation of 1, 3 and 5 by N - 1: 2.
    Interval found = Bootstrap.around(10, new double[] {1, 3, 5});
    assertThat(found.low()).isCloseTo(10 - 3.92, within(1e-3));
    assertThat(found.high()).isCloseTo(10 + 3.92, within(1e-3));
    assertThat(Bootstrap.around(1, new double[] {1, 3, 5}).low()).isZero();
  }

  @Test
  void tooFewDraws_areRefused() {
    assertThatThrownBy(() -> new Bootstrap(3, 0)).hasMessageContaining("20 to 1000000, found 3");
  }
}
