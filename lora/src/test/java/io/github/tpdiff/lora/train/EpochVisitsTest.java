package io.github.tpdiff.lora.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tpdiff.lora.data.EpochVisits;
import io.github.tpdiff.lora.data.SetShare;
import io.github.tpdiff.runtime.diffusion.LatentShape;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.OptionalDouble;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** How often clips of several data sets are visited, counted. */
final class EpochVisitsTest {
  private static final LatentShape A = new LatentShape(1, 1, 1, 4, 4);
  private static final LatentShape B = new LatentShape(1, 1, 2, 4, 4);

  /** Twelve clips: six of each set; in each set four of one shape and two of the other. */
  private static final List<LatentShape> SHAPES = List.of(A, A, A, A, B, B, A, A, A, A, B, B);

  private static final List<Integer> SETS = List.of(0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1);

  private static SetShare weight(double share) {
    return new SetShare(1, OptionalDouble.of(share));
  }

  private static SetShare repeats(int times) {
    return new SetShare(times, OptionalDouble.empty());
  }

  /** Visits of each clip in some epochs of batches of three. */
  private static int[] counts(List<SetShare> shares, int epochs) {
    EpochVisits<LatentShape> visits = EpochVisits.of(SHAPES, SETS, shares);
    var order = new BatchOrder(visits, 3, new Draws(5));
    var counts = new int[SHAPES.size()];
    for (long b = 0; b < (long) epochs * order.batchesPerEpoch(); b++) {
      List<Integer> batch = order.batch(b);
      assertThat(batch.stream().map(SHAPES::get).distinct()).hasSize(1);
      assertThat(batch).hasSizeBetween(1, 3);
      batch.forEach(clip -> counts[clip]++);
    }
    return counts;
  }

  @Test
  void repeats_areVisitsOfEachClipInAnEpoch() {
    assertThat(counts(List.of(repeats(1), repeats(3)), 1))
        .containsExactly(1, 1, 1, 1, 1, 1, 3, 3, 3, 3, 3, 3);
    assertThat(counts(List.of(repeats(2), repeats(1)), 4))
        .containsExactly(8, 8, 8, 8, 8, 8, 4, 4, 4, 4, 4, 4);
  }

  @Test
  void weights_areSharesOfAnEpoch_andNoClipIsVisitedTwiceMoreThanAnother() {
    // Of 12 visits 9 and 3; of the 9, 6 and 3; of the 3, 2 and 1.
    var visits = EpochVisits.of(SHAPES, SETS, List.of(weight(3), weight(1)));
    assertThat(visits.groups()).extracting(EpochVisits.Group::visits).containsExactly(6, 3, 2, 1);
    assertThat(counts(List.of(weight(3), weight(1)), 2))
        .containsExactly(3, 3, 3, 3, 3, 3, 1, 1, 1, 1, 1, 1);
    int[] once = counts(List.of(weight(3), weight(1)), 1);
    assertThat(IntStream.of(once).sum()).isEqualTo(12);
    assertThat(IntStream.range(0, 6).map(i -> once[i])).allMatch(n -> n == 1 || n == 2);
  }

  @Test
  void aSetOfHardlyAnyWeight_isVisitedYet() {
    var visits = EpochVisits.of(SHAPES, SETS, List.of(weight(1000), weight(0.001)));
    assertThat(visits.groups()).extracting(EpochVisits.Group::visits).containsExactly(8, 4, 1, 1);
  }

  @Test
  void batches_mixTheSetsOfAShape() {
    EpochVisits<LatentShape> visits = EpochVisits.of(SHAPES, SETS, List.of(repeats(1), repeats(1)));
    var order = new BatchOrder(visits, 8, new Draws(5));
    var mixed = new HashSet<List<Integer>>();
    for (int epoch = 0; epoch < 3; epoch++) {
      for (int b = 0; b < order.batchesPerEpoch(); b++) {
        List<Integer> batch = order.batch((long) epoch * order.batchesPerEpoch() + b);
        if (batch.size() == 8) {
          mixed.add(batch.stream().map(SETS::get).toList());
        }
      }
    }
    assertThat(mixed).hasSize(3).doesNotContain(List.of(0, 0, 0, 0, 1, 1, 1, 1));
  }

  @Test
  void weightsOfSomeSetsOnly_orBesideRepeats_areRefused() {
    assertThatThrownBy(() -> EpochVisits.of(SHAPES, SETS, List.of(weight(1), repeats(1))))
        .hasMessageContaining("expected one for each of 2 sets, found 1");
    assertThatThrownBy(() -> new SetShare(2, OptionalDouble.of(1)))
        .hasMessageContaining("either repeats or a weight");
    assertThatThrownBy(() -> repeats(0)).hasMessageContaining("found 0");
  }

  /** Printed by the order as it was when there was one set, with seed 5. */
  @Test
  void orderOfOneSet_isWhatItWas() {
    var order =
        new BatchOrder(
            EpochVisits.of(
                SHAPES, IntStream.range(0, 12).mapToObj(i -> 0).toList(), List.of(SetShare.once())),
            3,
            new Draws(5));
    var batches = new ArrayList<List<Integer>>();
    for (int b = 0; b < 2 * order.batchesPerEpoch(); b++) {
      batches.add(order.batch(b));
    }
    assertThat(batches.toString())
        .isEqualTo(
            "[[6, 9], [4, 11, 10], [0, 1, 2], [5], [8, 3, 7], [0, 3, 6], [10], [1, 9, 8],"
                + " [11, 4, 5], [7, 2]]");
  }
}
