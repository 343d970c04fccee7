package io.github.tpdiff.weights.lora;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;

/** LoRAs to test with, and what it means that two are the same. */
final class LoraSamples {
  private LoraSamples() {}

  static void assertSame(LoraWeights actual, LoraWeights expected) {
    assertThat(actual.component()).isEqualTo(expected.component());
    assertThat(own(actual)).isEqualTo(own(expected));
    assertThat(actual.pairs().keySet()).isEqualTo(expected.pairs().keySet());
    expected
        .pairs()
        .forEach(
            (module, pair) -> {
              LoraPair other = Objects.requireNonNull(actual.pairs().get(module));
              assertThat(other.scale()).as(module).isEqualTo(pair.scale());
              assertThat(other.alpha()).as(module).isEqualTo(pair.alpha());
              assertThat(other.kernel()).as(module).isEqualTo(pair.kernel());
              assertThat(other.a()).as(module).isEqualTo(pair.a());
              assertThat(other.b()).as(module).isEqualTo(pair.b());
            });
  }

  /** The metadata, apart from what kohya's form adds for programs that list LoRAs. */
  static Map<String, String> own(LoraWeights weights) {
    Map<String, String> own = new TreeMap<>(weights.metadata());
    own.keySet().removeIf(key -> key.startsWith("ss_") || key.startsWith("modelspec."));
    return own;
  }

  static LoraPair pair(int rank, double scale, int out, int in) {
    float[] a = new float[rank * in];
    float[] b = new float[out * rank];
    for (int i = 0; i < a.length; i++) {
      a[i] = (float) Math.cos(3 * i + rank);
    }
    for (int i = 0; i < b.length; i++) {
      b[i] = (float) Math.cos(5 * i + out);
    }
    return new LoraPair(rank, scale, a, b);
  }
}
