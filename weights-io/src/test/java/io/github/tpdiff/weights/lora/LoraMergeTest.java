package io.github.tpdiff.weights.lora;

import static io.github.tpdiff.weights.lora.LoraSamples.pair;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.FloatCodec;
import io.github.tpdiff.weights.MemoryTensors;
import io.github.tpdiff.weights.RoundingError;
import io.github.tpdiff.weights.TensorSink;
import io.github.tpdiff.weights.TensorSource;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Weights with a LoRA merged into them. */
class LoraMergeTest {

  @Test
  void mergedWeight_isThatOfTheMatrixProduct() {
    int out = 5;
    int in = 7;
    LoraPair pair = pair(3, 0.5, out, in);
    float[] weight = new float[out * in];
    for (int i = 0; i < weight.length; i++) {
      weight[i] = (float) Math.sin(i);
    }
    double[] expected = new double[out * in];
    for (int o = 0; o < out; o++) {
      for (int i = 0; i < in; i++) {
        double change = 0;
        for (int k = 0; k < 3; k++) {
          change += (double) pair.b()[o * 3 + k] * pair.a()[k * in + i];
        }
        expected[o * in + i] = weight[o * in + i] + 0.8 * 0.5 * change;
      }
    }
    MemoryTensors base =
        MemoryTensors.builder().addFloats("w", List.of((long) out, (long) in), weight).build();
    var payload = merged(base, pair, 0.8);
    var buffer = ByteBuffer.allocate(out * in * 4);
    for (int first = 0; first < out * in; first += 4) {
      int count = Math.min(4, out * in - first);
      payload.fill(4L * first, buffer.slice(4 * first, 4 * count));
    }
    pair.addTo(weight, 0.8);
    float[] merged = FloatCodec.decode(DType.F32, buffer.position(0));
    for (int i = 0; i < merged.length; i++) {
      assertThat((double) merged[i]).isCloseTo(expected[i], within(1e-6));
      assertThat((double) weight[i]).isCloseTo(expected[i], within(1e-6));
    }
    assertThatThrownBy(() -> merged(base, pair(1, 1, 4, 7), 1))
        .hasMessageContaining(
            "tensor 'w': expected floats of shape [4, 7] to merge the LoRA into, found F32 [5, 7]");
  }

  private static TensorSink.Payload merged(TensorSource base, LoraPair pair, double strength) {
    return LoraMerge.merged(
        base,
        new LoraMerge.Change(TensorChange.of(pair).on(base, "w"), strength),
        "w",
        new LoraMerge.Stored(DType.F32, new RoundingError()));
  }

  @ParameterizedTest
  @EnumSource(names = {"F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2"})
  void mergedIntoAnyType_isTheRoundedSumAndTheErrorIsReported(DType dtype) {
    LoraPair pair = pair(2, 0.5, 3, 5);
    float[] weight = new float[15];
    for (int i = 0; i < weight.length; i++) {
      weight[i] = (float) Math.sin(i);
    }
    MemoryTensors base = MemoryTensors.builder().addFloats("w", List.of(3L, 5L), weight).build();
    var error = new RoundingError();
    ByteBuffer stored = ByteBuffer.allocate(15 * dtype.bytes());
    LoraMerge.merged(
            base,
            new LoraMerge.Change(TensorChange.of(pair).on(base, "w"), 1),
            "w",
            new LoraMerge.Stored(dtype, error))
        .fill(0, stored);
    pair.addTo(weight, 1);
    ByteBuffer expected = ByteBuffer.allocate(15 * dtype.bytes());
    FloatCodec.encode(FloatBuffer.wrap(weight), dtype, expected);
    assertThat(stored.flip()).isEqualTo(expected.flip());
    float[] back = FloatCodec.decode(dtype, stored);
    double largest = 0;
    double squares = 0;
    for (int i = 0; i < weight.length; i++) {
      double difference = Math.abs((double) back[i] - weight[i]);
      largest = Math.max(largest, difference);
      squares += difference * difference;
    }
    assertThat(error.largest()).isEqualTo(largest);
    assertThat(error.norm()).isCloseTo(Math.sqrt(squares), within(1e-15));
    assertThat(error.count()).isEqualTo(15);
  }

  @Test
  void normOfAPair_isThatOfTheProduct() {
    LoraPair pair = pair(3, 0.5, 5, 7);
    float[] product = new float[35];
    pair.addTo(product, 1);
    double squares = 0;
    for (float value : product) {
      squares += (double) value * value;
    }
    assertThat(pair.norm()).isCloseTo(Math.sqrt(squares), within(1e-5));
  }
}
