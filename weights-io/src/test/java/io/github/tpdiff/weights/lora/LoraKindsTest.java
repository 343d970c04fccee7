package io.github.tpdiff.weights.lora;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.FloatCodec;
import io.github.tpdiff.weights.MemoryTensors;
import io.github.tpdiff.weights.RoundingError;
import io.github.tpdiff.weights.safetensors.SafetensorsWriter;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** DoRA and LoKr in files of every form, and in the weights. */
class LoraKindsTest {
  private static final String LAYER = "blocks.0.ffn.net.0.proj";
  private static final String OTHER = "blocks.1.attn1.to_q";

  @TempDir Path folder;

  private final Random random = new Random(4);

  private float[] numbers(int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  private LoraPair pair(int rank, double alpha, int out, int in) {
    return LoraPair.ofAlpha(rank, alpha, numbers(rank * in), numbers(out * rank));
  }

  private KroneckerFactor full(int rows, int columns) {
    return KroneckerFactor.full(rows, columns, numbers(rows * columns));
  }

  private KroneckerFactor product(int rows, int columns, int rank) {
    return new KroneckerFactor(rows, columns, rank, numbers(rows * rank), numbers(rank * columns));
  }

  private LoraWeights read(LoraFormat format, Map<String, ? extends LayerChange> layers) {
    Path path = folder.resolve(format.name());
    var weights = new LoraWeights("transformer", layers, Map.of());
    LoraWriter.write(path, weights, format, DType.F32);
    LoraFile file = LoraFile.read(path);
    assertThat(file.format()).isEqualTo(format);
    assertThat(file.ignored()).isEmpty();
    assertThat(file.weights().layers().keySet()).isEqualTo(weights.layers().keySet());
    return file.weights();
  }

  @ParameterizedTest
  @EnumSource(
      value = LoraFormat.class,
      names = {"DIFFUSERS", "PEFT", "COMFYUI", "KOHYA"})
  void doras_surviveAFileOfEveryForm(LoraFormat format) {
    var doras =
        Map.of(
            LAYER, new DoraPair(pair(2, 3, 6, 4), numbers(6)),
            OTHER, new DoraPair(pair(3, 5, 4, 4), numbers(4)));
    LoraWeights read = read(format, doras);
    doras.forEach(
        (module, dora) -> {
          var other = (DoraPair) Objects.requireNonNull(read.layers().get(module));
          assertThat(other.magnitude()).isEqualTo(dora.magnitude());
          assertThat(other.scale()).isEqualTo(dora.scale());
          assertThat(other.pair().a()).isEqualTo(dora.pair().a());
          assertThat(other.pair().b()).isEqualTo(dora.pair().b());
        });
  }

  /** Whatever of the factors is in full in the file: the product is the same. */
  @ParameterizedTest
  @EnumSource(
      value = LoraFormat.class,
      names = {"DIFFUSERS", "PEFT", "COMFYUI", "KOHYA"})
  void lokrs_surviveAFileOfEveryForm(LoraFormat format) {
    var lokrs = new LinkedHashMap<String, KroneckerPair>();
    lokrs.put(LAYER, KroneckerPair.ofAlpha(full(4, 4), product(8, 6, 3), 2));
    lokrs.put(OTHER, KroneckerPair.ofAlpha(product(4, 4, 1), product(8, 8, 2), 3));
    lokrs.put("blocks.0.attn2.to_k", KroneckerPair.ofScale(full(4, 4), full(5, 6), 0.75));
    lokrs.put("blocks.0.attn2.to_v", KroneckerPair.ofAlpha(full(4, 4), product(8, 2, 6), 5));
    LoraWeights read = read(format, lokrs);
    lokrs.forEach(
        (module, lokr) -> {
          LayerChange other = Objects.requireNonNull(read.layers().get(module));
          assertThat(other).isInstanceOf(KroneckerPair.class);
          float[] wanted = new float[lokr.out() * lokr.in()];
          lokr.on((first, count) -> wanted).addTo(wanted, 0, 1);
          float[] found = new float[other.out() * other.in()];
          other.on((first, count) -> found).addTo(found, 0, 1);
          assertThat(found).as(module).containsExactly(wanted, within(1e-5f));
        });
  }

  @Test
  void lokr_isTheKroneckerProductOfItsFactors() {
    KroneckerFactor w1 = KroneckerFactor.full(2, 2, new float[] {1, 2, 3, 4});
    KroneckerFactor w2 = new KroneckerFactor(1, 3, 1, new float[] {2}, new float[] {5, 6, 7});
    KroneckerPair lokr = KroneckerPair.ofAlpha(w1, w2, 0.5);
    float[] weight = new float[12];
    lokr.on((first, count) -> weight).addTo(weight, 0, 2);
    // Scale 0.5 and strength 2 make the product itself, by hand.
    assertThat(weight).containsExactly(10, 12, 14, 20, 24, 28, 30, 36, 42, 40, 48, 56);
    double squares = 0;
    for (float value : weight) {
      squares += value * value / 4;
    }
    assertThat(lokr.on((first, count) -> weight).norm())
        .isCloseTo(Math.sqrt(squares), within(1e-5));
  }

  /** Against the formula in fp64, of a convolution, slice by slice. */
  @ParameterizedTest
  @CsvSource({"1.0", "0.4", "-1.5"})
  void dora_isThePapersFormula_inSlicesOfAnySize(double strength) {
    LoraPair pair = pair(2, 3, 3, 8).withKernel(List.of(2L, 2L));
    float[] magnitude = numbers(3);
    float[] weight = numbers(24);
    double[] wanted = new double[24];
    double squares = 0;
    for (int row = 0; row < 3; row++) {
      double[] sum = new double[8];
      double norm = 0;
      for (int i = 0; i < 8; i++) {
        sum[i] = weight[row * 8 + i];
        for (int k = 0; k < 2; k++) {
          sum[i] += 1.5 * pair.b()[row * 2 + k] * pair.a()[k * 8 + i];
        }
        norm += sum[i] * sum[i];
      }
      for (int i = 0; i < 8; i++) {
        double change = magnitude[row] * sum[i] / Math.sqrt(norm) - weight[row * 8 + i];
        wanted[row * 8 + i] = weight[row * 8 + i] + strength * change;
        squares += change * change;
      }
    }
    MemoryTensors base =
        MemoryTensors.builder().addFloats("w", List.of(3L, 2L, 2L, 2L), weight).build();
    PreparedChange change = TensorChange.of(new DoraPair(pair, magnitude)).on(base, "w");
    assertThat(change.norm()).isCloseTo(Math.sqrt(squares), within(1e-5));
    var payload =
        LoraMerge.merged(
            base,
            new LoraMerge.Change(change, strength),
            "w",
            new LoraMerge.Stored(DType.F32, new RoundingError()));
    for (int size : new int[] {24, 5, 8}) {
      for (int first = 0; first < 24; first += size) {
        ByteBuffer chunk = ByteBuffer.allocate(4 * Math.min(size, 24 - first));
        payload.fill(4L * first, chunk);
        float[] found = FloatCodec.decode(DType.F32, chunk.flip());
        for (int i = 0; i < found.length; i++) {
          assertThat((double) found[i]).isCloseTo(wanted[first + i], within(1e-5));
        }
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "transformer.blocks.0.attn1.to_q.lora_, .lora_magnitude_vector, DIFFUSERS",
    "base_model.model.blocks.0.attn1.to_q.lora_, .lora_magnitude_vector.default.weight, PEFT",
    "transformer.base_model.model.blocks.0.attn1.to_q.lora_, .lora_magnitude_vector.weight, DIFFUSERS",
    "diffusion_model.blocks.0.self_attn.q.lora_, .dora_scale, COMFYUI",
    "lora_unet_blocks_0_self_attn_q.lora_, .dora_scale, KOHYA",
    "lycoris_blocks_0_attn1_to_q.lora_, .dora_scale, KOHYA",
  })
  void magnitudes_areReadUnderEveryName(String stem, String ending, LoraFormat format) {
    boolean peft = !ending.equals(".dora_scale");
    MemoryTensors tensors =
        MemoryTensors.builder()
            .addFloats(stem + (peft ? "A" : "down") + ".weight", List.of(1L, 2L), 1, 2)
            .addFloats(stem + (peft ? "B" : "up") + ".weight", List.of(3L, 1L), 3, 4, 5)
            .addFloats(
                stem.replaceFirst("\\.lora_$", "") + ending,
                peft ? List.of(3L) : List.of(3L, 1L),
                6,
                7,
                8)
            .build();
    LoraFile file = file(tensors);
    assertThat(file.format()).isEqualTo(format);
    var dora =
        (DoraPair) Objects.requireNonNull(file.weights().layers().get("blocks.0.attn1.to_q"));
    assertThat(dora.magnitude()).containsExactly(6, 7, 8);
    assertThat(dora.pair().b()).containsExactly(3, 4, 5);
  }

  /** ComfyUI and LyCORIS do not scale factors in full, musubi-tuner does, and marks its files. */
  @ParameterizedTest
  @CsvSource({"false, 1", "true, 0.5"})
  void scaleOfFactorsInFull_isTheWritersOwn(boolean musubi, double scale) {
    var tensors =
        MemoryTensors.builder()
            .addFloats("lora_unet_blocks_0_self_attn_q.lokr_w1", List.of(1L, 2L), 1, 2)
            .addFloats("lora_unet_blocks_0_self_attn_q.lokr_w2", List.of(4L, 1L), 1, 2, 3, 4)
            .addFloats("lora_unet_blocks_0_self_attn_q.alpha", List.of(), 2);
    if (musubi) {
      tensors.addFloats("lokr_factor", List.of(), -1);
    }
    LoraFile file = file(tensors.build());
    assertThat(file.weights().layers().values())
        .singleElement()
        .satisfies(change -> assertThat(change.scale()).isEqualTo(scale));
  }

  private LoraFile file(MemoryTensors tensors) {
    Path path = folder.resolve("some.safetensors");
    SafetensorsWriter.write(path, tensors);
    return LoraFile.read(path);
  }

  @Test
  void partsThatMakeNoWhole_areRefused() {
    String stem = "lora_unet_blocks_0_self_attn_q.";
    assertRefused("LoKr: expected a tensor W2_LEFT", stem + "lokr_w1");
    assertRefused(
        "LoKr: expected a factor in full or as a product",
        stem + "lokr_w1",
        stem + "lokr_w2",
        stem + "lokr_w2_a");
    assertRefused(
        "LoKr: expected a factor as a product of [rows, r] and [r, columns]",
        stem + "lokr_w1",
        stem + "lokr_w2_a",
        stem + "lokr_w2_b");
    assertRefused("belongs to a LoKr with a middle factor", stem + "lokr_t2");
    assertRefused(
        "expected a LoRA, a DoRA or a LoKr",
        stem + "lokr_w1",
        stem + "lokr_w2",
        stem + "dora_scale");
    MemoryTensors short1 =
        MemoryTensors.builder()
            .addFloats(stem + "lora_down.weight", List.of(1L, 3L), 1, 2, 3)
            .addFloats(stem + "lora_up.weight", List.of(3L, 1L), 3, 4, 5)
            .addFloats(stem + "dora_scale", List.of(2L, 1L), 6, 7)
            .build();
    assertThatThrownBy(() -> file(short1))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("[2, 1]: expected a magnitude for each of 3 outputs, found 2");
  }

  /** Older trainers' kind, ComfyUI's {@code weight_decompose} of it in fp64; it is merged. */
  @Test
  void magnitudesOfInputs_scaleColumns() {
    LoraPair pair = pair(2, 3, 3, 8).withKernel(List.of(2L, 2L));
    float[] magnitude = numbers(2);
    var dora = new DoraPair(pair, magnitude, DoraPair.Axis.INPUTS);
    var layers = Map.of(LAYER, dora);
    var again =
        (DoraPair) Objects.requireNonNull(read(LoraFormat.KOHYA, layers).layers().get(LAYER));
    assertThat(again.axis()).isEqualTo(DoraPair.Axis.INPUTS);
    assertThat(again.magnitude()).isEqualTo(magnitude);
    assertThatThrownBy(() -> read(LoraFormat.PEFT, layers))
        .hasMessageContaining("found some for inputs; write it as COMFYUI");
    float[] weight = numbers(24);
    double[] sum = new double[24];
    double[] squares = new double[2];
    for (int i = 0; i < 24; i++) {
      sum[i] = weight[i];
      for (int k = 0; k < 2; k++) {
        sum[i] += 1.5 * pair.b()[i / 8 * 2 + k] * pair.a()[k * 8 + i % 8];
      }
      squares[i % 8 / 4] += sum[i] * sum[i];
    }
    MemoryTensors base =
        MemoryTensors.builder().addFloats("w", List.of(3L, 2L, 2L, 2L), weight).build();
    float[] found = weight.clone();
    TensorChange.of(dora).on(base, "w").addTo(found, 0, 1);
    for (int i = 0; i < 24; i++) {
      int channel = i % 8 / 4;
      assertThat((double) found[i])
          .isCloseTo(magnitude[channel] * sum[i] / Math.sqrt(squares[channel]), within(1e-5));
    }
  }

  private void assertRefused(String reason, String... names) {
    MemoryTensors.Builder tensors = MemoryTensors.builder();
    for (String name : names) {
      tensors.addFloats(name, List.of(2L, 3L), 0, 0, 0, 0, 0, 0);
    }
    assertThatThrownBy(() -> file(tensors.build()))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining(reason);
  }

  @Test
  void configurationThatAsksForMagnitudes_isRefusedWithoutThem() throws IOException {
    LoraWriter.write(
        folder.resolve("peft"),
        new LoraWeights("transformer", Map.of(OTHER, pair(1, 1, 2, 2)), Map.of()),
        LoraFormat.PEFT,
        DType.F32);
    Path config = folder.resolve("peft/adapter_config.json");
    Files.writeString(
        config, Files.readString(config).replace("\"use_dora\": false", "\"use_dora\": true"));
    assertThatThrownBy(() -> LoraFile.read(folder.resolve("peft")))
        .hasMessageContaining("'use_dora' is on, expected a tensor lora_magnitude_vector");
  }

  @Test
  void layersOfSeveralKinds_haveAPlaceInComfyUisFormAlone() {
    Map<String, LayerChange> mixed =
        Map.of(
            LAYER,
            new DoraPair(pair(2, 3, 6, 4), numbers(6)),
            OTHER,
            pair(3, 5, 4, 4),
            "blocks.0.attn2.to_k",
            KroneckerPair.ofAlpha(full(4, 4), product(8, 6, 3), 2));
    assertThat(read(LoraFormat.COMFYUI, mixed).pairs().keySet()).containsExactly(OTHER);
    for (LoraFormat format : List.of(LoraFormat.DIFFUSERS, LoraFormat.PEFT)) {
      assertThatThrownBy(() -> read(format, mixed))
          .hasMessageContaining("PEFT holds layers of one kind, found [DoRA, LoKr, LoRA]");
    }
    Map<String, LayerChange> sizes =
        Map.of(
            LAYER, KroneckerPair.ofAlpha(full(4, 4), product(8, 8, 3), 2),
            OTHER, KroneckerPair.ofAlpha(full(32, 8), product(2, 2, 3), 2));
    assertThatThrownBy(() -> read(LoraFormat.PEFT, sizes))
        .hasMessageContaining("no decompose_factor of PEFT gives the sizes");
    // Of 9, which divides neither: 8 would give 8 for 48 too.
    read(
        LoraFormat.PEFT,
        Map.of(
            LAYER, KroneckerPair.ofAlpha(full(6, 6), full(8, 8), 1),
            OTHER, KroneckerPair.ofAlpha(full(8, 8), full(1120, 8), 1)));
  }

  @Test
  void sumOfWhatDoesNotAddUp_isRefused() {
    var dora =
        new LoraWeights(
            "transformer", Map.of(LAYER, new DoraPair(pair(2, 3, 6, 4), numbers(6))), Map.of());
    assertThatThrownBy(() -> LoraSum.of(List.of(new LoraSum.Term(dora, 1))))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("found a DoRA or LoKr; merge one after the other");
  }

  @Test
  void sizesOfFactors_areThoseOfPeft() {
    // factorization of peft 0.21.2
    assertThat(KroneckerSizes.first(256, -1)).isEqualTo(16);
    assertThat(KroneckerSizes.first(128, -1)).isEqualTo(8);
    assertThat(KroneckerSizes.first(127, -1)).isEqualTo(1);
    assertThat(KroneckerSizes.first(128, 4)).isEqualTo(4);
    assertThat(KroneckerSizes.first(1536, 10)).isEqualTo(8);
    assertThat(KroneckerSizes.first(8960, -1)).isEqualTo(80);
  }
}
