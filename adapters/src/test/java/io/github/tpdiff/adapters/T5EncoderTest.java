package io.github.tpdiff.adapters;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.tpdiff.adapters.T5Config.PositionBias;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.model.ConfigFile;
import io.github.tpdiff.runtime.reference.ContractData;
import io.github.tpdiff.runtime.reference.ReferenceEngine;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.MemoryTensors;
import io.github.tpdiff.weights.TensorSource;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;

final class T5EncoderTest {
  private static final String TABLE =
      "encoder.block.%d.layer.0.SelfAttention.relative_attention_bias.weight";

  private static T5Config config(PositionBias positionBias) {
    return new T5Config(11, 8, 2, 2, 4, 12, 8, 20, 1e-6, positionBias);
  }

  private static Program program(PositionBias positionBias) {
    return new T5Encoder(config(positionBias)).program();
  }

  private static float[] states(Program program, TensorSource weights, long... mask) {
    var ids = new long[mask.length];
    Arrays.setAll(ids, i -> 3 + 2L * i % 7);
    try (var engine = new ReferenceEngine();
        var executable = engine.load(program, weights)) {
      var inputs =
          Map.of(
              "input_ids",
              Tensor.ofLongs(ids, 1, mask.length),
              "attention_mask",
              Tensor.ofLongs(mask, 1, mask.length));
      return Objects.requireNonNull(executable.run(inputs).get("last_hidden_state")).toFloatArray();
    }
  }

  @Test
  void oneTableForAll_isTheSameTableInEachBlock() {
    Program each = program(PositionBias.OF_EACH_BLOCK);
    Program first = program(PositionBias.OF_FIRST_BLOCK);
    assertThat(first.weights()).doesNotContainKey(TABLE.formatted(1));
    try (var shared = ContractData.weights(first, DType.F32);
        var own = ContractData.weights(each, DType.F32)) {
      float[] table = shared.floats(TABLE.formatted(0));
      var copied =
          own.overlaid(
              MemoryTensors.builder()
                  .addFloats(TABLE.formatted(1), List.of(8L, 2L), table)
                  .build());
      float[] expected = states(each, copied, 1, 1, 1, 1, 1);
      assertThat(states(first, shared, 1, 1, 1, 1, 1)).containsExactly(expected);
      assertThat(states(each, own, 1, 1, 1, 1, 1)).isNotEqualTo(expected);
    }
  }

  @Test
  void padding_isNoToken() {
    Program program = program(PositionBias.OF_FIRST_BLOCK);
    try (var weights = ContractData.weights(program, DType.F32)) {
      float[] alone = states(program, weights, 1, 1, 1);
      float[] padded = Arrays.copyOf(states(program, weights, 1, 1, 1, 0, 0), alone.length);
      assertThat(padded).usingComparatorWithPrecision(1e-6f).containsExactly(alone);
    }
  }

  @Test
  void whichBlocksHaveATable_followsFromTheTensors() {
    for (PositionBias positionBias : PositionBias.values()) {
      try (var weights = ContractData.weights(program(positionBias), DType.F32)) {
        T5Config found = T5Config.read(ConfigFile.none(Path.of("none")), weights);
        assertThat(found.positionBias()).isEqualTo(positionBias);
        assertThat(found.layers()).isEqualTo(2);
        assertThat(found.heads()).isEqualTo(2);
        assertThat(found.ffnDim()).isEqualTo(12);
      }
    }
  }

  /** The sizes and the number of parameters of the published T5 v1.1 XXL encoder. */
  @Test
  void publishedEncoder_hasAsManyParameters() {
    var xxl =
        new T5Config(32_128, 4096, 24, 64, 64, 10_240, 32, 128, 1e-6, PositionBias.OF_FIRST_BLOCK);
    long elements =
        new T5Encoder(xxl)
            .program().weights().values().stream()
                .mapToLong(weight -> weight.shape().elementCount().value())
                .sum();
    assertThat(elements).isEqualTo(4_762_310_656L);
  }

  /** Values of the published bucket function at both of its ends and at its corners. */
  @Test
  void buckets_matchPublishedValues() {
    var config = new T5Config(10, 8, 1, 1, 8, 8, 32, 128, 1e-6, PositionBias.OF_EACH_BLOCK);
    int[] relative = {
      -200, -128, -127, -64, -20, -16, -15, -9, -8, -7, -1, 0, 1, 7, 8, 9, 15, 16, 20, 64, 127, 128,
      200
    };
    assertThat(Arrays.stream(relative).map(config::bucket))
        .containsExactly(
            15, 15, 15, 14, 10, 10, 9, 8, 8, 7, 1, 0, 17, 23, 24, 24, 25, 26, 26, 30, 31, 31, 31);
  }
}
