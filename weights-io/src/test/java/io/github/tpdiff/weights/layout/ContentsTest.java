package io.github.tpdiff.weights.layout;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.tpdiff.weights.FileGoldens;
import io.github.tpdiff.weights.MemoryTensors;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.safetensors.SafetensorsFile;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ContentsTest {

  /** Pairs of names as diffusers' converters make them; the file's order is that of the input. */
  @ParameterizedTest
  @CsvSource({
    "sd15-unet.tsv, SD_UNET, model.diffusion_model.",
    "sd15-vae.tsv, SD_VAE, first_stage_model.",
    "motion-modules.tsv, MOTION_ADAPTER, module.",
    "motion-modules.tsv, MOTION_ADAPTER, ''",
    "wan-vae.tsv, WAN_VAE, ''",
    "wan22-vae.tsv, WAN_VAE, ''",
    "wan22-vae.tsv, WAN_VAE, vae."
  })
  void originalNames_becomeThoseOfDiffusersConverter(String pairs, Network network, String prefix)
      throws IOException {
    Map<String, String> expected = pairs(pairs);
    Set<String> names = new LinkedHashSet<>();
    expected.keySet().forEach(name -> names.add(prefix + name));
    Contents contents = Contents.of(names);
    assertThat(contents.leftOver()).isEmpty();
    assertThat(contents.networks()).hasSize(1);
    FoundNetwork found = contents.networks().get(0);
    assertThat(found.network()).isEqualTo(network);
    assertThat(found.layout()).isEqualTo(Layout.ORIGINAL);
    assertThat(found.prefix()).isEqualTo(prefix);
    assertThat(found.missing()).isEmpty();
    KeyMap keys = found.keys();
    expected.forEach(
        (original, diffusers) -> {
          assertThat(keys.toDiffusers(original)).contains(diffusers);
          assertThat(keys.toOriginal(diffusers)).contains(original);
        });
  }

  @ParameterizedTest
  @CsvSource({
    "sd15-unet.tsv, SD_UNET",
    "sd15-vae.tsv, SD_VAE",
    "motion-modules.tsv, MOTION_ADAPTER",
    "wan-vae.tsv, WAN_VAE",
    "wan22-vae.tsv, WAN_VAE"
  })
  void diffusersNames_areFoundCompleteAndTurnedBack(String pairs, Network network)
      throws IOException {
    Map<String, String> expected = pairs(pairs);
    FoundNetwork found = only(expected.values());
    assertThat(found.network()).isEqualTo(network);
    assertThat(found.layout()).isEqualTo(Layout.DIFFUSERS);
    assertThat(found.missing()).isEmpty();
    try (TensorSource source = named(expected.values())) {
      assertThat(found.as(Layout.ORIGINAL, source).names())
          .containsExactlyInAnyOrderElementsOf(expected.keySet());
    }
  }

  @Test
  void singleFileCheckpoint_holdsThreeNetworksAndSaysWhatIsLeftOver() throws IOException {
    Set<String> names = new LinkedHashSet<>();
    pairs("sd15-unet.tsv").keySet().forEach(name -> names.add("model.diffusion_model." + name));
    pairs("sd15-vae.tsv").keySet().forEach(name -> names.add("first_stage_model." + name));
    clipNames().forEach(name -> names.add("cond_stage_model.transformer." + name));
    names.addAll(List.of("alphas_cumprod", "betas", "model_ema.decay"));
    Contents contents = Contents.of(names);
    assertThat(contents.networks())
        .extracting(FoundNetwork::network)
        .containsExactly(Network.SD_UNET, Network.SD_VAE, Network.CLIP_TEXT_ENCODER);
    assertThat(contents.networks())
        .allSatisfy(found -> assertThat(found.prefix()).isEqualTo(found.network().prefix()));
    assertThat(contents.leftOver()).containsExactly("alphas_cumprod", "betas", "model_ema.decay");
    try (TensorSource source = named(names)) {
      assertThat(Network.SD_VAE.asDiffusers(source).names())
          .containsExactlyInAnyOrderElementsOf(pairs("sd15-vae.tsv").values());
    }
  }

  @Test
  void motionUnet_holdsTheImageUnetAndTheMotionModules() throws IOException {
    Set<String> names = new LinkedHashSet<>(pairs("sd15-unet.tsv").values());
    names.addAll(pairs("motion-modules.tsv").values());
    Contents contents = Contents.of(names);
    assertThat(contents.networks())
        .extracting(FoundNetwork::network)
        .containsExactly(Network.SD_UNET, Network.MOTION_ADAPTER);
    assertThat(contents.leftOver()).isEmpty();
  }

  @Test
  void imageAutoencodersOldAttention_isReadUnderItsPresentNamesAndShapes() throws IOException {
    List<String> old = new ArrayList<>();
    for (String name : pairs("sd15-vae.tsv").values()) {
      old.add(
          name.replace("attentions.0.to_q", "attentions.0.query")
              .replace("attentions.0.to_k", "attentions.0.key")
              .replace("attentions.0.to_v", "attentions.0.value")
              .replace("attentions.0.to_out.0", "attentions.0.proj_attn"));
    }
    MemoryTensors.Builder tensors = MemoryTensors.builder();
    for (String name : old) {
      boolean kernel = name.matches(".*attentions\\.0\\.(query|key|value|proj_attn)\\.weight");
      tensors.addFloats(name, kernel ? List.of(1L, 2L, 1L, 1L) : List.of(2L), 3, 4);
    }
    FoundNetwork found = only(old);
    assertThat(found.network()).isEqualTo(Network.SD_VAE);
    assertThat(found.layout()).isEqualTo(Layout.DIFFUSERS);
    assertThat(found.missing()).isEmpty();
    try (TensorSource modern = Network.SD_VAE.asDiffusers(tensors.build())) {
      assertThat(modern.names())
          .containsExactlyInAnyOrderElementsOf(pairs("sd15-vae.tsv").values());
      String name = "decoder.mid_block.attentions.0.to_out.0.weight";
      assertThat(modern.require(name).shape()).containsExactly(1L, 2L);
      assertThat(modern.floats(name)).containsExactly(3, 4);
      TensorSource original = Translation.toOriginal(modern, Network.SD_VAE.keys());
      assertThat(original.require("decoder.mid.attn_1.proj_out.weight").shape())
          .containsExactly(1L, 2L, 1L, 1L);
    }
  }

  @Test
  void positionTables_areHeldOnceByDiffusersAndTwiceByTheOriginal() throws IOException {
    String block = "temporal_transformer.transformer_blocks.0.attention_blocks.";
    Set<String> names = new LinkedHashSet<>(pairs("motion-modules.tsv").keySet());
    MemoryTensors.Builder tensors = MemoryTensors.builder();
    names.forEach(name -> tensors.addFloats(name, List.of(), 1));
    for (int i = 0; i < 2; i++) {
      tensors.addFloats(
          "mid_block.motion_modules.0." + block + i + ".pos_encoder.pe", List.of(), 2);
    }
    try (TensorSource diffusers = Network.MOTION_ADAPTER.asDiffusers(tensors.build())) {
      String table = "mid_block.motion_modules.0.transformer_blocks.0.pos_embed.pe";
      assertThat(diffusers.floats(table)).containsExactly(2);
      assertThat(diffusers.names()).hasSize(names.size() + 1);
      TensorSource original = Translation.toOriginal(diffusers, Network.MOTION_ADAPTER.keys());
      assertThat(original.names()).hasSize(names.size() + 2);
    }
  }

  @Test
  void fluxTensors_areSplitAndStackedAsByDiffusersConverter() {
    try (TensorSource original = flux("original");
        TensorSource diffusers = flux("diffusers")) {
      assertSame(Network.FLUX_TRANSFORMER.asDiffusers(original), diffusers);
      FoundNetwork found = only(diffusers.names());
      assertThat(found.network()).isEqualTo(Network.FLUX_TRANSFORMER);
      assertThat(found.missing()).isEmpty();
      assertThat(only(original.names()).missing()).isEmpty();
      assertSame(found.as(Layout.ORIGINAL, diffusers), original);
    }
  }

  private static TensorSource flux(String layout) {
    return SafetensorsFile.open(FileGoldens.resource("layout/flux-" + layout + ".safetensors"));
  }

  private static void assertSame(TensorSource actual, TensorSource expected) {
    assertThat(actual.names()).containsExactlyInAnyOrderElementsOf(expected.names());
    for (String name : expected.names()) {
      TensorInfo info = expected.require(name);
      assertThat(actual.require(name)).isEqualTo(info);
      assertThat(actual.bytes(name)).as(name).isEqualTo(expected.bytes(name));
      int half = Math.toIntExact(info.byteCount() / 8 * 4);
      assertThat(actual.bytes(name, half, Math.toIntExact(info.byteCount()) - half))
          .as(name)
          .isEqualTo(expected.bytes(name, half, Math.toIntExact(info.byteCount()) - half));
    }
  }

  @Test
  void minifluxAutoencoder_isToldFromTheOtherAutoencoders() throws IOException {
    FoundNetwork found = only(lines("miniflux-vae.txt"));
    assertThat(found.network()).isEqualTo(Network.MINIFLUX_VAE);
    assertThat(found.missing()).isEmpty();
  }

  @Test
  void textEncoders_areToldApartByTheirPositionBias() {
    assertThat(only(t5Names(false)).network()).isEqualTo(Network.T5_ENCODER);
    assertThat(only(t5Names(true)).network()).isEqualTo(Network.UMT5_ENCODER);
    assertThat(only(clipNames()).network()).isEqualTo(Network.CLIP_TEXT_ENCODER);
    List<String> plain =
        clipNames().stream().map(name -> name.substring("text_model.".length())).toList();
    assertThat(only(plain).network()).isEqualTo(Network.CLIP_TEXT_ENCODER);
    try (TensorSource source = named(plain)) {
      assertThat(Network.CLIP_TEXT_ENCODER.asDiffusers(source).names())
          .containsExactlyInAnyOrderElementsOf(clipNames());
    }
  }

  @ParameterizedTest
  @CsvSource({
    "sd15-unet.tsv, down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k.weight",
    "sd15-unet.tsv, up_blocks.2.resnets.1.conv1.bias",
    "sd15-unet.tsv, conv_in.weight",
    "sd15-vae.tsv, decoder.up_blocks.1.resnets.2.norm1.weight",
    "motion-modules.tsv, up_blocks.1.motion_modules.1.transformer_blocks.0.norm3.bias",
    "wan-vae.tsv, decoder.mid_block.attentions.0.to_qkv.weight",
    "wan22-vae.tsv, encoder.down_blocks.1.resnets.0.norm2.gamma",
    "wan22-vae.tsv, decoder.up_blocks.2.upsampler.resample.1.bias"
  })
  void aTensorTakenAway_isMissed(String pairs, String name) throws IOException {
    Map<String, String> all = pairs(pairs);
    assertThat(all).containsValue(name);
    List<String> diffusers = all.values().stream().filter(other -> !other.equals(name)).toList();
    assertThat(only(diffusers).missing()).containsExactly(name);
    List<String> original =
        all.keySet().stream().filter(key -> !name.equals(all.get(key))).toList();
    assertThat(only(original).missing())
        .allSatisfy(missing -> assertThat(all).containsEntry(missing, name))
        .hasSize(1);
  }

  @Test
  void aBlockTakenAway_isMissedAsAWhole() throws IOException {
    List<String> names =
        lines("wan-transformer-1.3B-diffusers.txt").stream()
            .filter(name -> !name.startsWith("blocks.7."))
            .toList();
    assertThat(only(names).missing())
        .hasSize(27)
        .allSatisfy(name -> assertThat(name).startsWith("blocks.7."));
  }

  private static List<String> t5Names(boolean biasEverywhere) {
    List<String> names = new ArrayList<>(List.of("shared.weight"));
    for (int i = 0; i < 3; i++) {
      String block = "encoder.block." + i + ".layer.";
      for (String part : List.of("q", "k", "v", "o")) {
        names.add(block + "0.SelfAttention." + part + ".weight");
      }
      if (i == 0 || biasEverywhere) {
        names.add(block + "0.SelfAttention.relative_attention_bias.weight");
      }
      for (String part : List.of("wi_0", "wi_1", "wo")) {
        names.add(block + "1.DenseReluDense." + part + ".weight");
      }
      names.add(block + "0.layer_norm.weight");
      names.add(block + "1.layer_norm.weight");
    }
    names.add("encoder.final_layer_norm.weight");
    return names;
  }

  private static List<String> clipNames() {
    List<String> names = new ArrayList<>();
    names.add("text_model.embeddings.position_ids");
    names.add("text_model.embeddings.token_embedding.weight");
    names.add("text_model.embeddings.position_embedding.weight");
    for (int i = 0; i < 12; i++) {
      for (String part :
          List.of(
              "layer_norm1",
              "layer_norm2",
              "self_attn.q_proj",
              "self_attn.k_proj",
              "self_attn.v_proj",
              "self_attn.out_proj",
              "mlp.fc1",
              "mlp.fc2")) {
        names.add("text_model.encoder.layers." + i + "." + part + ".weight");
        names.add("text_model.encoder.layers." + i + "." + part + ".bias");
      }
    }
    names.add("text_model.final_layer_norm.weight");
    names.add("text_model.final_layer_norm.bias");
    return names;
  }

  private static FoundNetwork only(Iterable<String> names) {
    Set<String> set = new LinkedHashSet<>();
    names.forEach(set::add);
    Contents contents = Contents.of(set);
    assertThat(contents.leftOver()).isEmpty();
    assertThat(contents.networks()).hasSize(1);
    return contents.networks().get(0);
  }

  private static TensorSource named(Iterable<String> names) {
    MemoryTensors.Builder tensors = MemoryTensors.builder();
    names.forEach(name -> tensors.addFloats(name, List.of(), 0));
    return tensors.build();
  }

  private static Map<String, String> pairs(String name) throws IOException {
    Map<String, String> pairs = new TreeMap<>();
    for (String line : lines(name)) {
      int tab = line.indexOf('\t');
      pairs.put(line.substring(0, tab), line.substring(tab + 1));
    }
    return pairs;
  }

  private static List<String> lines(String name) throws IOException {
    return Files.readAllLines(FileGoldens.resource("layout/" + name));
  }
}
