package io.github.tpdiff.lora;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tpdiff.runtime.model.CheckpointTemplate;
import io.github.tpdiff.runtime.model.Component;
import io.github.tpdiff.runtime.model.ModelFamily;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.lora.FullChange;
import io.github.tpdiff.weights.lora.LoraPair;
import io.github.tpdiff.weights.lora.LoraWeights;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A LoRA of products and changes in full on a small model. */
final class LoraModelsTest {
  private static final double STRENGTH = 0.5;

  @TempDir private Path folder;

  private VideoModel open(DType dtype) {
    ModelFamily family =
        ModelFamily.all().stream()
            .filter(f -> f.templates().containsKey("wan-tiny"))
            .findFirst()
            .orElseThrow();
    CheckpointTemplate tiny = requireNonNull(family.templates().get("wan-tiny"));
    tiny.write(new CheckpointTemplate.Order(folder, dtype, tiny.defaultComponents(), (w, t) -> {}));
    return family.open(folder);
  }

  private static Component denoiser(VideoModel model) {
    return model.require(model.description().denoiser());
  }

  private static FullChange full(Component component, String tensor, float value) {
    var info = component.weights().require(tensor);
    float[] values = new float[Math.toIntExact(info.elementCount())];
    Arrays.fill(values, value);
    return new FullChange(info.shape(), values);
  }

  private static LoraWeights lora(Component network, Map<String, Float> full) {
    var changes = new TreeMap<String, FullChange>();
    full.forEach((name, value) -> changes.put(name, full(network, name, value)));
    long width = network.weights().require("blocks.0.attn1.to_q.weight").shape().get(0);
    float[] ones = new float[(int) width];
    Arrays.fill(ones, 1);
    var pair = new LoraPair(1, 2, ones, ones);
    return new LoraWeights("transformer", Map.of("blocks.0.attn1.to_q", pair), changes, Map.of());
  }

  /** Tensors of every kind: a linear layer's, a norm's, a table, a convolution's. */
  private static final Map<String, Float> FULL =
      Map.of(
          "blocks.0.attn1.to_q.weight", 1f,
          "blocks.0.attn1.to_q.bias", 2f,
          "blocks.0.attn1.norm_q.weight", 3f,
          "blocks.0.norm2.bias", 4f,
          "blocks.1.scale_shift_table", 5f,
          "scale_shift_table", 6f,
          "patch_embedding.weight", 7f,
          "proj_out.bias", 8f);

  @Test
  void changesInFull_areAddedToEveryKindOfTensor() {
    try (VideoModel model = open(DType.F32)) {
      Component base = denoiser(model);
      LoraWeights lora = lora(base, FULL);
      Component beside = denoiser(LoraModels.applied(model, lora, STRENGTH));
      Component merged = denoiser(LoraModels.merged(model, lora, STRENGTH));
      assertThat(LoraModels.leftOut(model, lora)).isEmpty();
      for (String name : base.program().weights().keySet()) {
        float change = (float) STRENGTH * FULL.getOrDefault(name, 0f);
        boolean product = name.equals("blocks.0.attn1.to_q.weight");
        float[] before = base.weights().floats(name);
        float[] after = beside.weights().floats(name);
        float[] inside = merged.weights().floats(name);
        for (int i = 0; i < before.length; i++) {
          assertThat(after[i]).as(name).isEqualTo(before[i] + change);
          // The product's scale is 2 and all its elements are 1.
          float expected = product ? before[i] + 1 + change : before[i] + change;
          assertThat(inside[i]).as(name).isCloseTo(expected, within(1e-6f));
        }
      }
    }
  }

  /** 1 + 2^-10 is not in bf16: beside the weights it is kept, merged into them it is rounded. */
  @Test
  void smallChangesOfAHalfPrecisionModel_areKeptBesideIt_andInItsWeightsWhereTheseAreFp32() {
    try (VideoModel model = open(DType.BF16)) {
      String norm = "blocks.0.attn1.norm_q.weight";
      Component base = denoiser(model);
      LoraWeights lora = lora(base, Map.of(norm, 0x1p-9f));
      float before = base.weights().floats(norm)[0];
      Component beside = denoiser(LoraModels.applied(model, lora, STRENGTH));
      assertThat(beside.weights().floats(norm)[0]).isEqualTo(before + 0x1p-10f);
      Component merged = denoiser(LoraModels.merged(model, lora, STRENGTH));
      assertThat(merged.weights().require(norm).dtype()).isEqualTo(DType.BF16);
      Component wide = denoiser(LoraModels.merged(model, lora, STRENGTH, own -> DType.F32));
      assertThat(wide.weights().require(norm).dtype()).isEqualTo(DType.F32);
      assertThat(wide.weights().floats(norm)[0]).isEqualTo(before + 0x1p-10f);
    }
  }

  @Test
  void biasThatALayerDoesNotHave_isLeftOut_andALayerThatIsMissingIsRefused() {
    try (VideoModel model = open(DType.F32)) {
      LoraWeights norm =
          new LoraWeights(
              "transformer",
              Map.of(),
              Map.of(
                  "blocks.0.attn1.norm_q.bias",
                  new FullChange(List.of(1L), new float[1]),
                  "blocks.0.norm2.bias",
                  full(denoiser(model), "blocks.0.norm2.bias", 1)),
              Map.of());
      assertThat(LoraModels.leftOut(model, norm)).containsExactly("blocks.0.attn1.norm_q.bias");
      var applied = denoiser(LoraModels.applied(model, norm, 1));
      assertThat(applied.weights().find("blocks.0.attn1.norm_q.bias")).isEmpty();
      LoraWeights deeper =
          new LoraWeights(
              "transformer",
              Map.of(),
              Map.of("blocks.99.norm2.bias", new FullChange(List.of(1L), new float[1])),
              Map.of());
      assertThatThrownBy(() -> LoraModels.applied(model, deeper, 1))
          .hasMessageContaining("tensor 'blocks.99.norm2.bias' is not in the model")
          .hasMessageContaining("the nearest is 'blocks.");
    }
  }

  @ParameterizedTest
  @ValueSource(doubles = {1e39, -1e39, 1e38})
  void changeThatFp32DoesNotHold_isRefusedBeforeAnythingRuns(double strength) {
    try (VideoModel model = open(DType.F32)) {
      LoraWeights lora = lora(denoiser(model), Map.of("blocks.0.norm2.bias", 100f));
      for (boolean merged : new boolean[] {true, false}) {
        assertThatThrownBy(
                () ->
                    requireNonNull(
                        merged
                            ? LoraModels.merged(model, lora, strength)
                            : LoraModels.applied(model, lora, strength)))
            .isInstanceOf(CheckpointException.class)
            .hasMessageMatching(
                "tensor 'blocks.0.(attn1.to_q.weight|norm2.bias)': expected a change that fp32"
                    + " holds, found a larger one at strength .*");
      }
    }
  }

  private static org.assertj.core.data.Offset<Float> within(float offset) {
    return org.assertj.core.data.Offset.offset(offset);
  }
}
