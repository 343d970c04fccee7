package io.github.tpdiff.weights.layout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tpdiff.weights.FileGoldens;
import io.github.tpdiff.weights.MemoryTensors;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.checkpoint.Checkpoint;
import java.io.IOException;
import java.nio.file.Files;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NetworkTest {

  @Test
  void vaeNames_matchEveryPublishedPair() throws IOException {
    KeyMap keys = Network.WAN_VAE.keys();
    List<String> pairs = lines("wan-vae.tsv");
    assertThat(pairs).hasSize(194);
    for (String pair : pairs) {
      String original = pair.substring(0, pair.indexOf('\t'));
      String diffusers = pair.substring(pair.indexOf('\t') + 1);
      assertThat(keys.toDiffusers(original)).contains(diffusers);
      assertThat(keys.toOriginal(diffusers)).contains(original);
    }
  }

  /** The authors number a level's resampling behind its blocks, of which there may be more. */
  @ParameterizedTest
  @CsvSource({
    "1, encoder.downsamples.1.downsamples.1.time_conv, decoder.upsamples.0.upsamples.2.resample.1",
    "2, encoder.downsamples.1.downsamples.2.time_conv, decoder.upsamples.0.upsamples.3.resample.1",
    "3, encoder.downsamples.1.downsamples.3.time_conv, decoder.upsamples.0.upsamples.4.resample.1"
  })
  void resamplingOfTheNestedVae_followsItsBlocks(int blocks, String down, String up) {
    Set<String> names = new LinkedHashSet<>();
    for (int i = 0; i < blocks; i++) {
      names.add("encoder.down_blocks.0.resnets." + i + ".conv1.weight");
    }
    for (int i = 0; i <= blocks; i++) {
      names.add("decoder.up_blocks.0.resnets." + i + ".conv1.weight");
    }
    KeyMap keys = Network.WAN_VAE.keys(names);
    assertThat(keys.toOriginal("encoder.down_blocks.1.downsampler.time_conv")).contains(down);
    assertThat(keys.toOriginal("decoder.up_blocks.0.upsampler.resample.1")).contains(up);
    KeyMap back = Network.WAN_VAE.keys(Set.of(down + ".bias", up + ".weight"));
    assertThat(back.toDiffusers(up)).contains("decoder.up_blocks.0.upsampler.resample.1");
    assertThat(back.toDiffusers(down)).contains("encoder.down_blocks.1.downsampler.time_conv");
  }

  @Test
  void originalFileOfAVae_isThatOfItsGeneration() {
    assertThat(Network.WAN_VAE.originalFile(Set.of("encoder.down_blocks.0.conv1.weight")))
        .isEqualTo("Wan2.1_VAE");
    assertThat(Network.WAN_VAE.originalFile(Set.of("encoder.down_blocks.0.resnets.0.conv1.weight")))
        .isEqualTo("Wan2.2_VAE");
  }

  @Test
  void imageToVideoNames_areThoseOfDiffusers() throws IOException {
    Set<String> original = new LinkedHashSet<>(lines("wan-i2v-original.txt"));
    Set<String> diffusers = new LinkedHashSet<>(lines("wan-i2v-diffusers.txt"));
    try (TensorSource mapped = Network.WAN_TRANSFORMER.asDiffusers(named(original))) {
      assertThat(mapped.names()).containsExactlyInAnyOrderElementsOf(diffusers);
    }
    KeyMap keys = Network.WAN_TRANSFORMER.keys();
    assertThat(diffusers.stream().map(name -> keys.toOriginal(name).orElseThrow()))
        .containsExactlyInAnyOrderElementsOf(original);
  }

  /** Of models between a first and a last picture. */
  @Test
  void positionsOfPictures_areATensorWithoutAModule() {
    KeyMap keys = Network.WAN_TRANSFORMER.keys();
    String diffusers = "condition_embedder.image_embedder.pos_embed";
    assertThat(keys.toDiffusers("img_emb.emb_pos")).contains(diffusers);
    assertThat(keys.toOriginal(diffusers)).contains("img_emb.emb_pos");
  }

  @Test
  void everyNameOfThePublishedTransformer_survivesTheRoundTrip() throws IOException {
    KeyMap keys = Network.WAN_TRANSFORMER.keys();
    Set<String> names = new LinkedHashSet<>(lines("wan-transformer-1.3B-diffusers.txt"));
    assertThat(names).hasSize(825);
    for (String name : names) {
      assertThat(keys.toDiffusers(keys.toOriginal(name).orElseThrow())).contains(name);
    }
    assertThat(keys.toOriginal("blocks.17.norm2.bias")).contains("blocks.17.norm3.bias");
    assertThat(keys.toOriginal("blocks.3.scale_shift_table")).contains("blocks.3.modulation");
    assertThat(Contents.of(names).find(Network.WAN_TRANSFORMER)).isPresent();
    assertThat(layout(names)).isEqualTo(Layout.DIFFUSERS);
    try (TensorSource source = named(names)) {
      assertThat(Network.WAN_TRANSFORMER.asDiffusers(source)).isSameAs(source);
    }
  }

  @Test
  void textEncoderPickle_isReadUnderTheNamesOfTransformers() throws IOException {
    try (TensorSource original =
        Checkpoint.open(FileGoldens.resource("layout/umt5-original.pth"))) {
      assertThat(Contents.of(original.names()).find(Network.UMT5_ENCODER)).isPresent();
      assertThat(layout(original.names())).isEqualTo(Layout.ORIGINAL);
      TensorSource mapped = Network.UMT5_ENCODER.asDiffusers(original);
      assertThat(mapped.names())
          .containsExactlyInAnyOrderElementsOf(lines("umt5-transformers.txt"));
      assertThat(mapped.bytes("encoder.block.1.layer.1.DenseReluDense.wi_0.weight"))
          .isEqualTo(original.bytes("blocks.1.ffn.gate.0.weight"));
    }
  }

  @Test
  void repackagedPrefix_isDroppedAndForeignTensorsAreLeftOut() throws IOException {
    Set<String> names =
        lines("wan-i2v-original.txt").stream()
            .map(name -> "model.diffusion_model." + name)
            .collect(Collectors.toCollection(LinkedHashSet::new));
    names.add("vae.decoder.conv1.weight");
    assertThat(Contents.of(names).find(Network.WAN_TRANSFORMER)).isPresent();
    try (TensorSource mapped = Network.WAN_TRANSFORMER.asDiffusers(named(names))) {
      assertThat(mapped.names())
          .containsExactlyInAnyOrderElementsOf(lines("wan-i2v-diffusers.txt"));
    }
  }

  @Test
  void otherComponent_isNamedInTheError() throws IOException {
    try (TensorSource source = named(new LinkedHashSet<>(lines("wan-i2v-diffusers.txt")))) {
      assertThatThrownBy(() -> Network.WAN_VAE.asDiffusers(source))
          .hasMessageContaining("expected the tensors of a wan vae, found wan transformer");
    }
    assertThat(Contents.of(Set.of("a", "b")).networks()).isEmpty();
    assertThat(Contents.of(Set.of()).networks()).isEmpty();
  }

  private static Layout layout(Set<String> names) {
    return Contents.of(names).networks().get(0).layout();
  }

  private static TensorSource named(Set<String> names) {
    MemoryTensors.Builder tensors = MemoryTensors.builder();
    names.forEach(name -> tensors.addFloats(name, List.of(), 0));
    return tensors.build();
  }

  private static List<String> lines(String name) throws IOException {
    return Files.readAllLines(FileGoldens.resource("layout/" + name));
  }
}
