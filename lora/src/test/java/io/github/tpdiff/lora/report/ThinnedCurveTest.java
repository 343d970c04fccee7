package io.github.tpdiff.lora.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.tpdiff.lora.report.CurveChart.Manner;
import io.github.tpdiff.lora.report.CurveChart.Point;
import java.util.List;
import org.junit.jupiter.api.Test;

final class ThinnedCurveTest {
  @Test
  void fewValues_areThemselves() {
    var curve = new ThinnedCurve();
    curve.add(1, 5);
    curve.add(2, Double.NaN);
    curve.add(3, 7);
    assertThat(curve.points()).containsExactly(new Point(1, 5), new Point(3, 7));
  }

  /** 100,000 values come to fewer than 512 points, each the mean of 256 neighbours. */
  @Test
  void manyValues_areMeansOfNeighbours() {
    var curve = new ThinnedCurve();
    for (int i = 0; i < 100_000; i++) {
      curve.add(i, 3.0 * i);
    }
    List<Point> points = curve.points();
    assertThat(points).hasSize(391); // 390 of 256, and one of the last 160
    for (int i = 0; i < 390; i++) {
      double middle = 256 * i + 127.5;
      assertThat(points.get(i).x()).isCloseTo(middle, within(1e-6));
      assertThat(points.get(i).y()).isCloseTo(3 * middle, within(1e-6));
    }
    assertThat(points.get(390).x()).isCloseTo((99_840 + 99_999) / 2.0, within(1e-6));
  }

  @Test
  void ticks_areRoundNumbersThatTheAxisHolds() {
    assertThat(CurveChart.ticks(0, 10)).containsExactly(0.0, 2.0, 4.0, 6.0, 8.0, 10.0);
    assertThat(CurveChart.ticks(-3, 47)).containsExactly(0.0, 10.0, 20.0, 30.0, 40.0);
    assertThat(CurveChart.ticks(100, 102.4)).containsExactly(100.0, 100.5, 101.0, 101.5, 102.0);
  }

  @Test
  void numbers_haveFourDigitsAtMost() {
    assertThat(CurveChart.number(0.5)).isEqualTo("0.5");
    assertThat(CurveChart.number(0.12345)).isEqualTo("0.1235");
    assertThat(CurveChart.number(100)).isEqualTo("100");
    assertThat(CurveChart.number(123.46)).isEqualTo("123.5");
    assertThat(CurveChart.number(0.0001)).isEqualTo("1e-4");
    assertThat(CurveChart.number(9.87e-7)).isEqualTo("9.87e-7");
    assertThat(CurveChart.number(-2_000_000)).isEqualTo("-2e+6");
  }

  /** The picture is 640 x 250; curves lie between 58 and 632, and 8 and 226, less a margin. */
  @Test
  void curve_runsFromCornerToCorner() {
    String html =
        new CurveChart("a<b")
            .add("c", Manner.PLAIN, 0, List.of(new Point(0, 0), new Point(10, 1)))
            .html();
    // The axis reaches from -0.04 to 1.04: 226 - 218 * 0.04 / 1.08, 226 - 218 * 1.04 / 1.08.
    assertThat(html).contains("points=\"58.0,217.9 632.0,16.1 \"").contains("a&lt;b");
    assertThat(new CurveChart("empty").add("c", Manner.PLAIN, 0, List.of()).html()).isEmpty();
    assertThat(new CurveChart("flat").add("c", Manner.DOTTED, 0, List.of(new Point(3, 2))).html())
        .doesNotContain("NaN")
        .contains("<circle");
  }
}
