package io.github.tpdiff.lora.train;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.tpdiff.lora.train.TimeLeft.Task;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Time left against sums by hand. */
final class TimeLeftTest {
  /** Stage 1 is visited a quarter as often as all, and costs four times as much. */
  @Test
  void stepsToCome_areExpectedOverTheStagesAndNotAsTheLastOnesWere() {
    var left = new TimeLeft(100, Map.of(2, 0.75, 1, 0.25), Map.of());
    left.stepped(List.of(2), 9); // makes its programs
    left.stepped(List.of(2), 1);
    left.stepped(List.of(2), 3);
    left.stepped(List.of(1), 50);
    left.stepped(List.of(1), 8);
    // 0.75 * 2 + 0.25 * 8 = 3.5 seconds a step.
    assertThat(left.after(60).time()).isEqualTo(Duration.ofSeconds(140));
  }

  @Test
  void stageThatWasNotSeenYet_isLeftOut() {
    var left = new TimeLeft(10, Map.of(2, 0.5, 1, 0.5), Map.of());
    assertThat(left.after(0).time()).isZero();
    left.stepped(List.of(2), 3);
    assertThat(left.after(1).time()).isEqualTo(Duration.ofSeconds(27));
  }

  /** Two thirds of the second step are of stage 2: (0 + 2/3 * 6) / (2/3) and 1/3 * 6 / (1/3). */
  @Test
  void stepOfSeveralStages_countsForEachByItsPart() {
    var left = new TimeLeft(2, Map.of(2, 0.5, 1, 0.5), Map.of());
    left.stepped(List.of(2, 1, 2), 100);
    left.stepped(List.of(2, 1, 2), 6);
    assertThat(left.after(1).time()).isEqualTo(Duration.ofSeconds(6));
    left.stepped(List.of(2, 2, 2), 11);
    // Stage 2: (2/3 * 6 + 1 * 11) / (5/3) = 9; stage 1 still 6.
    assertThat(left.after(1).time()).isEqualTo(Duration.ofMillis(7500));
  }

  @Test
  void whatIsDueBetweenSteps_isCountedAndTakesWhatItTook() {
    var left =
        new TimeLeft(
            10, Map.of(1, 1.0), Map.of(Task.SAMPLES, 4, Task.VALIDATION, 5, Task.STATES, 3));
    left.stepped(List.of(1), 1);
    // Neither was measured; states are little beside them.
    assertThat(left.after(1))
        .isEqualTo(new Remaining(Duration.ofSeconds(9), List.of("validation", "samples")));
    left.did(Task.VALIDATION, 10);
    left.did(Task.VALIDATION, 20);
    left.did(Task.STATES, 2);
    // After steps 5 and 10, 15 seconds each; states after 3, 6, 9 and 10.
    assertThat(left.after(1))
        .isEqualTo(new Remaining(Duration.ofSeconds(9 + 30 + 8), List.of("samples")));
    left.did(Task.SAMPLES, 100);
    // After step 4 what is due then is among it: samples after 4, 8, 10.
    assertThat(left.after(4).time()).isEqualTo(Duration.ofSeconds(6 + 300 + 30 + 6));
    assertThat(left.after(5).time()).isEqualTo(Duration.ofSeconds(5 + 200 + 30 + 6));
    assertThat(left.after(6).time()).isEqualTo(Duration.ofSeconds(4 + 200 + 15 + 6));
    assertThat(left.after(10).time()).isEqualTo(Duration.ofSeconds(100 + 15 + 2));
  }

  @Test
  void words_haveTheTwoLargestUnits() {
    assertThat(words(29_400)).isEqualTo("29 s left");
    assertThat(words(61_000)).isEqualTo("1 min 01 s left");
    assertThat(words(3_900_000)).isEqualTo("1 h 05 min left");
    assertThat(new Remaining(Duration.ZERO, List.of("validation", "samples")).words())
        .isEqualTo("0 s left, without validation and samples");
  }

  private static String words(long millis) {
    return new Remaining(Duration.ofMillis(millis), List.of()).words();
  }
}
