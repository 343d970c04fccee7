package io.github.tpdiff.evaluation.experiment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.tpdiff.evaluation.experiment.ExperimentReport.ArmReport;
import io.github.tpdiff.evaluation.experiment.ExperimentReport.Seen;
import io.github.tpdiff.evaluation.experiment.ExperimentReport.SpeedUps;
import io.github.tpdiff.evaluation.experiment.ExperimentReport.VideoCost;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

/** Results that are made up by a law, whose speed-ups are known. */
class ExperimentReportTest {
  private static final Plan PLAN =
      PlanFile.plan(
          """
          title: A <test>
          starts: {wan: {template: wan-tiny}}
          data: {path: clips}
          base: {}
          budget: {steps: 16, points: 5}
          seeds: 2
          quality: {clips: 2, steps: 3, guidance: 1}
          arms:
            vanilla: {}
            phased: {against: vanilla, paper: {training_speed_up: 2.16}}
            aligned: {against: vanilla}
          """,
          "plan");

  private static final Map<String, ArmFacts> FACTS =
      Map.of(
          "vanilla", new ArmFacts(3e9, "one stage", 8e9, OptionalDouble.of(8e11)),
          "phased", new ArmFacts(2e9, "three stages", 5e9, OptionalDouble.of(4e11)),
          "aligned", new ArmFacts(3e9, "one stage", 8e9, OptionalDouble.of(8e11)));

  /**
   * Points of a seed whose score rises with the logarithm of FLOPs, and whose loss falls so.
   *
   * @param speed against the law
   * @param secondsPerFlop of a step
   */
  private static List<PointResult> points(double speed, double secondsPerFlop) {
    var points = new ArrayList<PointResult>();
    for (int i = 0; i < 5; i++) {
      double flops = 1e10 * Math.pow(2, i);
      double score = 0.1 + 0.1 * Math.log(speed * flops / 1e10);
      points.add(
          new PointResult(
              Math.pow(2, i - 4),
              1 << i,
              flops,
              secondsPerFlop * flops,
              0.5 / speed,
              Map.of("score", score, "loss", 1 - score, "check kind", score),
              Optional.empty()));
    }
    return points;
  }

  private static ExperimentReport report(List<List<PointResult>> phased) {
    return ExperimentReport.of(
        PLAN,
        FACTS,
        Map.of(
            "vanilla", new Seen(List.of(points(1, 1e-9), points(1, 1e-9)), timed(9, 10, 50)),
            "phased", new Seen(phased, timed(4, 5, 4)),
            "aligned", new Seen(List.of(points(1.3, 1e-9), points(1.3, 1e-9)), timed(9, 10, 50))));
  }

  private static List<TimedVideo> timed(double... seconds) {
    return Arrays.stream(seconds).mapToObj(own -> new TimedVideo("256x256x81", 30, own)).toList();
  }

  @Test
  void speedUps_areThoseOfTheLaw_inFlopsAndInSeconds() {
    ArmReport phased = arm(report(List.of(points(1.8, 1.5e-9), points(1.8, 1.5e-9))), "phased");
    SpeedUp flops = flops(phased, "score");
    assertThat(flops.value().orElseThrow()).isCloseTo(1.8, within(1e-9));
    assertThat(flops.low().orElseThrow()).isCloseTo(1.8, within(1e-9));
    SpeedUp seconds = speedUps(phased, "score").seconds().orElseThrow();
    assertThat(seconds.value().orElseThrow()).isCloseTo(1.2, within(1e-9));
  }

  @Test
  void aVideosCost_isHeldAgainstThatOfTheOtherArm_inClipsAndInTimedVideos() {
    ArmReport phased = arm(report(List.of(points(1.8, 1e-9), points(1.8, 1e-9))), "phased");
    assertThat(phased.video().flopsSpeedUp()).isCloseTo(1.6, within(1e-12));
    assertThat(phased.video().secondsSpeedUp().orElseThrow()).isCloseTo(1.8, within(1e-9));
    VideoCost timed = phased.timed().orElseThrow();
    assertThat(timed.flopsSpeedUp()).isCloseTo(2, within(1e-12));
    assertThat(timed.seconds()).hasValue(4); // the median of three rounds
    assertThat(timed.secondsSpeedUp()).hasValue(2.5);
  }

  private static SpeedUps speedUps(ArmReport arm, String measure) {
    return Optional.ofNullable(arm.speedUps().get(measure)).orElseThrow();
  }

  private static SpeedUp flops(ArmReport arm, String measure) {
    return speedUps(arm, measure).flops().orElseThrow();
  }

  private static ArmReport arm(ExperimentReport report, String name) {
    return Optional.ofNullable(report.arms().get(name)).orElseThrow();
  }

  @Test
  void losses_areComparedBetweenTheSameStagesAlone() {
    ExperimentReport report = report(List.of(points(2, 1e-9)));
    assertThat(arm(report, "phased").speedUps()).containsOnlyKeys("score");
    assertThat(arm(report, "aligned").speedUps()).containsOnlyKeys("score", "loss");
    assertThat(flops(arm(report, "aligned"), "loss").value().orElseThrow())
        .isCloseTo(1.3, within(1e-9));
    assertThat(arm(report, "vanilla").speedUps()).isEmpty();
  }

  @Test
  void aSeedThatBrokeOff_isSaidAndComparedAsFarAsItCame() {
    List<PointResult> broken = new ArrayList<>(points(2, 1e-9).subList(0, 2));
    broken.add(PointResult.failed(0.25, 4, "the loss of stage 1 is NaN"));
    ExperimentReport report = report(List.of(broken, points(2, 1e-9)));
    assertThat(flops(arm(report, "phased"), "score").value().orElseThrow())
        .isCloseTo(2, within(1e-9));
    assertThat(new ExperimentPage(PLAN, report).html())
        .contains("seed 0 broke off: the loss of stage 1 is NaN");
  }

  @Test
  void thePage_showsEveryArmBesideThePaper_andNothingOfAPlanAsMarkup() {
    String html =
        new ExperimentPage(PLAN, report(List.of(points(1.8, 1e-9), points(1.8, 1e-9)))).html();
    assertThat(html)
        .contains("A &lt;test&gt;", "1.80 (1.80 to 1.80)", "2.16", "<svg", "phased", "aligned")
        .doesNotContain("<test>");
  }

  @Test
  void anExperimentWithoutResults_hasAPage() {
    var report = ExperimentReport.of(PLAN, Map.of(), Map.of());
    assertThat(new ExperimentPage(PLAN, report).html()).contains("0 of 30 points");
  }
}
