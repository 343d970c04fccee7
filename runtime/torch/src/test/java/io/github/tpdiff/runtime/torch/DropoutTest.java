package io.github.tpdiff.runtime.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.engine.Executable;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.GraphException;
import io.github.tpdiff.runtime.graph.Op;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.graph.Value;
import io.github.tpdiff.runtime.reference.ReferenceEngine;
import io.github.tpdiff.weights.MemoryTensors;
import io.github.tpdiff.weights.TensorSource;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@link Op.Dropout} on PyTorch, against its definition in plain Java and as bits of chance. */
final class DropoutTest {
  private static final int ROWS = 96;
  private static final int COLUMNS = 80;

  private static Program program(double share, long layer) {
    Value seed = Value.indexInput("seed", 1);
    Value y =
        Value.input("x", "rows", "columns")
            .dropout(share, seed, Value.indices(new long[] {layer}, 1));
    return new Program("p", List.of(Graph.of("g", "y", y)), List.of("y"));
  }

  private static float[] dropped(Engine engine, Program program, long seed, float[] x) {
    try (TensorSource none = MemoryTensors.builder().build();
        Executable loaded = engine.load(program, none)) {
      var found =
          loaded.run(
              Map.of(
                  "x", Tensor.ofFloats(x, x.length / COLUMNS, COLUMNS),
                  "seed", Tensor.ofLongs(new long[] {seed}, 1)));
      return Objects.requireNonNull(found.get("y")).toFloatArray();
    }
  }

  private static float[] ones() {
    var ones = new float[ROWS * COLUMNS];
    Arrays.fill(ones, 1);
    return ones;
  }

  private static float[] onTorch(double share, long layer, long seed) {
    try (Engine torch = TorchEngine.cpu()) {
      return dropped(torch, program(share, layer), seed, ones());
    }
  }

  @ParameterizedTest
  @CsvSource({
    "0.1, 0, 0",
    "0.5, 3, 12345",
    "0.9, 2147483647, 2147483647",
    "0.999999999999, 1, 5",
    "1e-12, 1, 5",
    "0.3, 7, -1"
  })
  void torch_dropsWhatTheDefinitionDrops(double share, long layer, long seed) {
    float[] x = ones();
    for (int i = 0; i < x.length; i++) {
      x[i] = (float) Math.sin(i + 1);
    }
    try (Engine torch = TorchEngine.cpu();
        Engine reference = new ReferenceEngine()) {
      float[] expected = dropped(reference, program(share, layer), seed, x);
      float[] found = dropped(torch, program(share, layer), seed, x);
      for (int i = 0; i < x.length; i++) {
        assertThat(found[i]).isCloseTo(expected[i], within(2e-7f * Math.abs(expected[i])));
      }
    }
  }

  @Test
  void aNegativeSeed_dropsNothing() {
    assertThat(onTorch(0.4, 2, -1)).isEqualTo(ones());
  }

  /** Within five standard deviations, of all elements and of every row and column alone. */
  @ParameterizedTest
  @CsvSource({"0.05", "0.3", "0.5", "0.8"})
  void shareOfZeros_isTheSharePerRowAndColumn(double share) {
    var rows = new int[ROWS];
    var columns = new int[COLUMNS];
    int all = 0;
    int seeds = 20;
    try (Engine torch = TorchEngine.cpu();
        TensorSource none = MemoryTensors.builder().build();
        Executable loaded = torch.load(program(share, 4), none)) {
      for (int seed = 0; seed < seeds; seed++) {
        var given =
            Map.of(
                "x", Tensor.ofFloats(ones(), ROWS, COLUMNS),
                "seed", Tensor.ofLongs(new long[] {seed}, 1));
        float[] y = Objects.requireNonNull(loaded.run(given).get("y")).toFloatArray();
        for (int i = 0; i < y.length; i++) {
          if (y[i] == 0) {
            all++;
            rows[i / COLUMNS]++;
            columns[i % COLUMNS]++;
          } else {
            assertThat(y[i]).isEqualTo((float) (1 / (1 - share)));
          }
        }
      }
    }
    requireShare(all, seeds * ROWS * COLUMNS, share);
    for (int zeros : rows) {
      requireShare(zeros, seeds * COLUMNS, share);
    }
    for (int zeros : columns) {
      requireShare(zeros, seeds * ROWS, share);
    }
  }

  private static void requireShare(int zeros, int of, double share) {
    assertThat(zeros - of * share).isCloseTo(0.0, within(5 * Math.sqrt(of * share * (1 - share))));
  }

  /**
   * Of bits that have nothing to do with each other half are the same, of all elements and of the
   * corners of rectangles, by which sums of a row's and a column's bits would be found out.
   */
  @Test
  void masks_areIndependentAcrossSeedsLayersNeighboursAndRectangles() {
    float[] own = onTorch(0.5, 3, 100);
    for (float[] other : List.of(onTorch(0.5, 3, 101), onTorch(0.5, 4, 100), onTorch(0.5, 2, 99))) {
      requireHalf(own, other, 0);
    }
    requireHalf(own, own, 1);
    requireHalf(own, own, COLUMNS);
    int same = 0;
    int all = 0;
    for (int i = 0; i + COLUMNS + 1 < own.length; i++) {
      int zeros = 0;
      for (int corner : new int[] {i, i + 1, i + COLUMNS, i + COLUMNS + 1}) {
        zeros += own[corner] == 0 ? 1 : 0;
      }
      same += 1 - zeros % 2;
      all++;
    }
    requireShare(same, all, 0.5);
  }

  private static void requireHalf(float[] a, float[] b, int apart) {
    int same = 0;
    for (int i = 0; i + apart < a.length; i++) {
      same += (a[i] == 0) == (b[i + apart] == 0) ? 1 : 0;
    }
    requireShare(same, a.length - apart, 0.5);
  }

  @Test
  void shareOutsideZeroToOne_isRefused() {
    for (double share : new double[] {0, 1, -0.1, Double.NaN}) {
      assertThatThrownBy(() -> new Op.Dropout(share))
          .isInstanceOf(GraphException.class)
          .hasMessageContaining("expected a share in (0, 1)");
    }
  }
}
