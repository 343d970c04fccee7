package io.github.tpdiff.evaluation.metric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.tpdiff.evaluation.metric.FrechetDistance.Covariance;
import org.ejml.data.DMatrixRMaj;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class FrechetDistanceTest {
  /** Numbers that NumPy makes alike: whole ones, divided once in single precision. */
  private static DMatrixRMaj rows(int count, int width, int seed, float scale) {
    var rows = new DMatrixRMaj(count, width);
    for (int i = 0; i < count; i++) {
      for (int j = 0; j < width; j++) {
        long number = (i * 7919L + j * 104729L + (long) i * i * (j + 3) * 31 + seed) % 1009;
        rows.set(i, j, (number / 1009f) * scale);
      }
    }
    return rows;
  }

  private static FrechetDistance distance(int first, int second, int width) {
    return FrechetDistance.of(rows(first, width, 1, 1), rows(second, width, 500, 1.25f));
  }

  /**
   * SciPy 1.17 in double precision on the same rows: {@code m + trace(s1 + s2 - 2 sqrtm(s1 @ s2))}
   * with {@code numpy.cov(bias=False)} and {@code True}.
   */
  @ParameterizedTest
  @CsvSource({
    "60, 80, 8, 0.2269835876503103, 0.22632603614177932",
    "500, 300, 64, 1.8923259403083759, 1.8881170722030394"
  })
  void values_areScipys(int first, int second, int width, double unbiased, double population) {
    assertValues(distance(first, second, width), unbiased, population);
  }

  /**
   * Roots of singular matrices cost SciPy half of its digits (3.60456048 for the first), so these
   * are of mpmath: the eigenvalues of {@code s1 * s2} to 80 digits.
   */
  @ParameterizedTest
  @CsvSource({
    "5, 6, 20, 3.60456053362308613, 3.19929080277149412",
    "30, 12, 20, 2.12836463585355919, 2.01208058151346014"
  })
  void valuesOfFewerRowsThanDimensions_areExact(
      int first, int second, int width, double unbiased, double population) {
    assertValues(distance(first, second, width), unbiased, population);
  }

  /** Likewise of mpmath. */
  @Test
  void featuresThatNeverChange_orAreTwiceThere_changeNothing() {
    DMatrixRMaj first = rows(40, 6, 1, 1);
    DMatrixRMaj second = rows(30, 6, 500, 1.25f);
    for (int i = 0; i < 40; i++) {
      first.set(i, 2, 0.5);
      first.set(i, 4, first.get(i, 1));
    }
    for (int i = 0; i < 30; i++) {
      second.set(i, 2, 0.5);
    }
    assertValues(FrechetDistance.of(first, second), 0.3091989305675403, 0.30438578966498);
  }

  private static void assertValues(FrechetDistance found, double unbiased, double population) {
    assertThat(found.value(Covariance.UNBIASED)).isCloseTo(unbiased, within(1e-12));
    assertThat(found.value(Covariance.POPULATION)).isCloseTo(population, within(1e-12));
  }

  @Test
  void ofOneDimension_isTheClosedForm() {
    // (mu1 - mu2)^2 + (sigma1 - sigma2)^2.
    var first = new DMatrixRMaj(new double[][] {{1}, {3}});
    var second = new DMatrixRMaj(new double[][] {{2}, {8}, {5}});
    double root = Math.sqrt(2) - 3;
    assertThat(FrechetDistance.of(first, second).value(Covariance.UNBIASED))
        .isCloseTo(9 + root * root, within(1e-12));
  }

  @Test
  void ofASetWithItself_isZero_andSymmetric() {
    DMatrixRMaj some = rows(40, 7, 1, 1);
    assertThat(FrechetDistance.of(some, some.copy()).value(Covariance.UNBIASED))
        .isCloseTo(0, within(1e-12));
    DMatrixRMaj others = rows(9, 7, 3, 2);
    assertThat(FrechetDistance.of(some, others).value(Covariance.POPULATION))
        .isCloseTo(FrechetDistance.of(others, some).value(Covariance.POPULATION), within(1e-12));
  }

  @Test
  void ofOneRow_isTheMeanTermAlone() {
    FrechetDistance found =
        FrechetDistance.of(
            new DMatrixRMaj(new double[][] {{1, 2}}),
            new DMatrixRMaj(new double[][] {{4, 6}, {4, 8}}));
    assertThat(found.isMeanTermOnly()).isTrue();
    assertThat(found.value(Covariance.UNBIASED)).isEqualTo(34);
    assertThat(found.value(Covariance.POPULATION)).isEqualTo(34);
  }

  @Test
  void rankIsFull_onlyWithMoreRowsThanDimensions() {
    assertThat(distance(9, 9, 8).isRankDeficient()).isFalse();
    assertThat(distance(8, 100, 8).isRankDeficient()).isTrue();
  }

  @Test
  void setsOfOtherWidths_areRefused() {
    assertThatThrownBy(() -> FrechetDistance.of(rows(3, 4, 1, 1), rows(3, 5, 1, 1)))
        .hasMessageContaining("found 4 and 5");
  }
}
