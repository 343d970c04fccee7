package io.github.tpdiff.lora;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.MemoryTensors;
import io.github.tpdiff.weights.lora.LoraPair;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.SplittableRandom;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.ejml.dense.row.RandomMatrices_DDRM;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LoraExtractionTest {

  private static final LoraExtraction.Request RANK_TWO =
      new LoraExtraction.Request(2, new SplittableRandom(1), (module, done) -> {});

  /**
   * Eckart and Young: no matrix of the rank comes nearer than the root of the sum of the squares of
   * the other singular values, which are known by construction.
   */
  @ParameterizedTest
  @CsvSource({"40, 30, 4", "300, 200, 8", "200, 300, 8", "150, 600, 1", "64, 64, 64"})
  void errorOfTheNearestMatrix_isThatOfTheSingularValuesLeftOut(int rows, int columns, int rank) {
    Random random = new Random(rows);
    int count = Math.min(rows, columns);
    DMatrixRMaj left = RandomMatrices_DDRM.orthogonal(rows, count, random);
    DMatrixRMaj right = RandomMatrices_DDRM.orthogonal(columns, count, random);
    double all = 0;
    double rest = 0;
    for (int i = 0; i < count; i++) {
      double value = 1 / (1.0 + i);
      all += value * value;
      rest += i < rank ? 0 : value * value;
      for (int row = 0; row < rows; row++) {
        left.set(row, i, left.get(row, i) * value);
      }
    }
    DMatrixRMaj matrix = new DMatrixRMaj(rows, columns);
    CommonOps_DDRM.multTransB(left, right, matrix);
    LowRank low = LowRank.of(matrix, rank, new SplittableRandom(1));
    assertThat(low.left()).hasSize(rows * rank);
    assertThat(low.right()).hasSize(rank * columns);
    assertThat(low.relativeError()).isCloseTo(Math.sqrt(rest / all), within(1e-3));
  }

  @Test
  void mergedLora_comesBackAsTheSameChange() {
    LoraPair pair = new LoraPair(2, 0.5, values(2 * 90, 1), values(100 * 2, 2));
    float[] before = values(100 * 90, 3);
    float[] after = before.clone();
    pair.addTo(after, 1);
    var extracted =
        LoraExtraction.of(
            tensors(before, 1, "blocks.0.attn1.to_q.weight"),
            tensors(after, 2, "blocks.0.attn1.to_q.weight"),
            RANK_TWO);
    assertThat(extracted.leftOut()).containsExactly("blocks.0.attn1.to_q.bias");
    assertThat(extracted.error()).isLessThan(1e-6);
    assertThat(extracted.weights().component()).isEqualTo("transformer");
    assertThat(extracted.weights().pairs()).containsOnlyKeys("blocks.0.attn1.to_q");
    LoraPair found = Objects.requireNonNull(extracted.weights().pairs().get("blocks.0.attn1.to_q"));
    assertThat(found.scale()).isEqualTo(1);
    float[] again = before.clone();
    found.addTo(again, 1);
    for (int i = 0; i < after.length; i++) {
      assertThat((double) again[i]).isCloseTo(after[i], within(1e-5));
    }
  }

  @Test
  void namesOfTheAuthors_areThoseOfDiffusersInTheLora() {
    float[] after = values(100 * 90, 3);
    after[17] += 1;
    var extracted =
        LoraExtraction.of(
            tensors(values(100 * 90, 3), 1, "blocks.0.self_attn.q.weight"),
            tensors(after, 1, "blocks.0.attn1.to_q.weight"),
            RANK_TWO);
    assertThat(extracted.weights().pairs()).containsOnlyKeys("blocks.0.attn1.to_q");
    assertThat(extracted.leftOut()).isEmpty();
  }

  @Test
  void equalCheckpoints_areRefused() {
    MemoryTensors same = tensors(values(100 * 90, 3), 1, "blocks.0.attn1.to_q.weight");
    assertThatThrownBy(() -> LoraExtraction.of(same, same, RANK_TWO))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("expected linear layers that differ, found none");
  }

  private static MemoryTensors tensors(float[] weight, float bias, String name) {
    return MemoryTensors.builder()
        .addFloats(name, List.of(100L, 90L), weight)
        .addFloats(name.replace(".weight", ".bias"), List.of(1L), bias)
        .build();
  }

  private static float[] values(int count, int seed) {
    float[] values = new float[count];
    Random random = new Random(seed);
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }
}
