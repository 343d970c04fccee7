package io.github.tpdiff.weights.lora;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.FloatCodec;
import io.github.tpdiff.weights.MemoryTensors;
import io.github.tpdiff.weights.RoundingError;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.safetensors.SafetensorsWriter;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** NaN, infinity and numbers that a type does not hold never pass through a LoRA. */
class LoraNumbersTest {
  private static final String LAYER = "diffusion_model.blocks.0.self_attn.q";

  /** Tensors of a LoRA and their sizes: each could hold the wrong number. */
  private static final Map<String, List<Long>> TENSORS =
      Map.of(
          LAYER + ".lora_A.weight",
          List.of(2L, 3L),
          LAYER + ".lora_B.weight",
          List.of(4L, 2L),
          LAYER + ".lora_B.bias",
          List.of(4L),
          LAYER + ".alpha",
          List.of(),
          LAYER + ".diff",
          List.of(4L, 3L),
          LAYER + ".diff_b",
          List.of(4L),
          "diffusion_model.blocks.0.diff_m",
          List.of(1L, 6L, 2L),
          "diffusion_model.blocks.0.norm3.diff",
          List.of(2L),
          "lora_te_text_model_encoder_layers_0_mlp_fc1.lora_up.weight",
          List.of(2L, 2L));

  @TempDir Path folder;

  enum Wrong {
    NAN(Float.NaN),
    PLUS(Float.POSITIVE_INFINITY),
    MINUS(Float.NEGATIVE_INFINITY);

    private final float value;

    Wrong(float value) {
      this.value = value;
    }
  }

  enum Type {
    F64,
    F32,
    F16,
    BF16
  }

  @Property(tries = 300)
  void wrongNumberAnywhere_isRefusedByTheTensorsName(
      @ForAll Wrong wrong,
      @ForAll Type type,
      @ForAll @IntRange(max = 8) int which,
      @ForAll @IntRange(max = 1000) int place)
      throws IOException {
    List<String> names = TENSORS.keySet().stream().sorted().toList();
    String chosen = names.get(which);
    DType dtype = DType.valueOf(type.name());
    MemoryTensors.Builder tensors = MemoryTensors.builder();
    TENSORS.forEach(
        (name, shape) -> {
          TensorInfo info = new TensorInfo(name, dtype, shape);
          float[] values = new float[(int) info.elementCount()];
          java.util.Arrays.fill(values, .5f);
          if (name.equals(chosen)) {
            values[place % values.length] = wrong.value;
          }
          ByteBuffer bytes = ByteBuffer.allocate((int) info.byteCount());
          FloatCodec.encode(FloatBuffer.wrap(values), dtype, bytes);
          tensors.add(info, bytes.flip());
        });
    Path file = Files.createTempFile("lora", ".safetensors");
    try {
      SafetensorsWriter.write(file, tensors.build());
      assertThatThrownBy(() -> LoraFile.read(file))
          .isInstanceOf(CheckpointException.class)
          .hasMessageStartingWith(file + ": tensor '" + chosen + "': expected finite numbers")
          .hasMessageContaining(String.valueOf(wrong.value));
    } finally {
      Files.delete(file);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"lora_alpha\": 1e999}",
        "{\"lora_alpha\": NaN}",
        "{\"lora_alpha\": \"8\"}",
        "{\"lora_alpha\": 8, \"alpha_pattern\": {\"to_q\": -1e999}}",
        "{\"lora_alpha\": 8, \"alpha_pattern\": {\"to_q\": null}}",
        "{\"lora_alpha\": 8, \"r\": 0}",
        "{\"lora_alpha\": 8, \"r\": 1e999}",
        "{\"lora_alpha\": 8, \"rank_pattern\": {\"to_q\": 2.5}}"
      })
  void configurationWithoutAFiniteNumber_isRefusedByFileAndField(String json) throws IOException {
    SafetensorsWriter.write(
        folder.resolve("adapter_model.safetensors"),
        MemoryTensors.builder()
            .addFloats("base_model.model.blocks.0.attn1.to_q.lora_A.weight", List.of(1L, 1L), 1)
            .addFloats("base_model.model.blocks.0.attn1.to_q.lora_B.weight", List.of(1L, 1L), 1)
            .build());
    Path config = folder.resolve("adapter_config.json");
    Files.writeString(config, json);
    assertThatThrownBy(() -> LoraFile.read(folder))
        .isInstanceOf(CheckpointException.class)
        .hasMessageStartingWith(config + ": ")
        .hasMessageMatching("(?s).*(lora_alpha|alpha_pattern|r|rank_pattern|not JSON).*");
  }

  /** The largest numbers of each type, and the next that round to infinity or NaN. */
  @ParameterizedTest
  @CsvSource({
    "F16, 65519, 65520",
    "BF16, 3.38e38, 3.4e38",
    "F8_E4M3, 448, 480",
    "F8_E5M2, 57344, 65536"
  })
  void numberThatTheTypeDoesNotHold_isRefusedOnWritingAndMerging(
      DType dtype, float largest, float tooLarge) {
    assertThat(merged(dtype, largest)).isFinite();
    assertThatThrownBy(() -> merged(dtype, tooLarge))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("tensor 'w': expected values that fit " + dtype + ", found");
    Path file = folder.resolve("out.safetensors");
    assertThatThrownBy(() -> LoraWriter.write(file, factor(tooLarge), LoraFormat.DIFFUSERS, dtype))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining(
            "tensor 'transformer.blocks.0.attn1.to_q.lora_B.weight': expected values that fit "
                + dtype);
    assertThat(file).doesNotExist();
  }

  private static LoraWeights factor(float b) {
    return new LoraWeights(
        "transformer",
        Map.of("blocks.0.attn1.to_q", new LoraPair(1, 1, new float[] {1}, new float[] {b})),
        Map.of());
  }

  /** The weight 0 changed by {@code change}, stored in a type and read again. */
  private static float merged(DType dtype, float change) {
    MemoryTensors base = MemoryTensors.builder().addFloats("w", List.of(1L), 0).build();
    var full =
        new TensorChange(
            Optional.empty(), Optional.of(new FullChange(List.of(1L), new float[] {change})));
    ByteBuffer stored = ByteBuffer.allocate(dtype.bytes());
    LoraMerge.merged(
            base,
            new LoraMerge.Change(full.on(base, "w"), 1),
            "w",
            new LoraMerge.Stored(dtype, new RoundingError()))
        .fill(0, stored);
    return FloatCodec.decode(dtype, stored.flip())[0];
  }

  /** Whether fp32 holds B · A, against the product in fp64. */
  @Property(tries = 300)
  void changeIsFinite_whereTheProductInFp64Is(
      @ForAll @IntRange(min = -3, max = 38) int sizeOfA,
      @ForAll @IntRange(min = -3, max = 38) int sizeOfB,
      @ForAll @IntRange(min = -3, max = 38) int sizeOfScale) {
    double a = Math.pow(10, sizeOfA);
    double b = Math.pow(10, sizeOfB);
    double scale = Math.pow(10, sizeOfScale);
    var change =
        TensorChange.of(
            new LoraPair(1, scale, new float[] {(float) a, 0}, new float[] {0, (float) b}));
    if (a * b * Math.max(1, scale) < 1e38) {
      change.requireFinite("w", -1);
    } else if (a * b * Math.max(1, scale) > 1e39) {
      assertThatThrownBy(() -> change.requireFinite("w", -1))
          .isInstanceOf(CheckpointException.class)
          .hasMessageStartingWith("tensor 'w': expected a change that fp32 holds");
    }
  }

  @Test
  void largestNumbersThatNeverMeet_pass() {
    var pair =
        new LoraPair(
            2, 1, new float[] {Float.MAX_VALUE, 0, 0, 1}, new float[] {1, 0, 0, Float.MAX_VALUE});
    TensorChange.of(pair).requireFinite("w", 1);
  }
}
