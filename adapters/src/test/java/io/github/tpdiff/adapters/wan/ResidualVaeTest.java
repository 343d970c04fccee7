package io.github.tpdiff.adapters.wan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tpdiff.adapters.Chunk;
import io.github.tpdiff.adapters.Golden;
import io.github.tpdiff.adapters.PublishedTensors;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.checkpoint.Checkpoint;
import io.github.tpdiff.weights.layout.Layout;
import io.github.tpdiff.weights.layout.LayoutConversion;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** The autoencoder of Wan 2.2: its tensors, its configuration, its layouts. */
final class ResidualVaeTest {
  private static final Path GOLDEN = Golden.folder("wan22/vae").resolve("vae");
  @TempDir private Path folder;

  @ParameterizedTest
  @EnumSource(Chunk.class)
  void publishedSizes_readThePublishedTensors(Chunk chunk) {
    Map<String, String> published = PublishedTensors.listed("wan/wan22-vae-tensors.txt");
    if (chunk == Chunk.FIRST) { // a first frame passes the convolutions between frames by
      published.keySet().removeIf(name -> name.contains(".time_conv."));
    }
    var programs = programs(WanVaeConfig.PUBLISHED_RESIDUAL, chunk);
    assertThat(PublishedTensors.of(programs)).isEqualTo(published);
    if (chunk == Chunk.NEXT) {
      assertThat(
              programs.stream()
                  .flatMap(program -> program.weights().values().stream())
                  .mapToLong(weight -> weight.shape().elementCount().value())
                  .sum())
          .isEqualTo(704_688_668);
    }
  }

  @ParameterizedTest
  @EnumSource(Chunk.class)
  void everyConvolutionOverTime_keepsFramesForTheNextChunk(Chunk chunk) {
    for (Program program : programs(WanVaeConfig.PUBLISHED_RESIDUAL, chunk)) {
      List<String> kept =
          program.outputs().stream()
              .filter(name -> name.endsWith(".cache.next"))
              .map(name -> name.replace(".cache.next", ".weight"))
              .toList();
      assertThat(kept)
          .containsExactlyInAnyOrderElementsOf(
              PublishedTensors.listed("wan/wan22-vae-tensors.txt").entrySet().stream()
                  .filter(tensor -> tensor.getKey().startsWith(program.name().substring(4)))
                  .filter(tensor -> tensor.getValue().matches("\\[\\d+, \\d+, 3, \\d, \\d]"))
                  .map(Map.Entry::getKey)
                  .toList());
    }
  }

  @Test
  void configuration_tellsAllThatWasReadAndComesBackEqual() throws IOException {
    var read = read(GOLDEN);
    assertThat(read)
        .isEqualTo(
            new WanVaeConfig(
                2,
                1,
                48,
                WanVaeConfig.DIM_MULT,
                1,
                WanVaeConfig.TEMPORAL_DOWNSAMPLE,
                2,
                true,
                WanVaeConfig.RESIDUAL_LATENTS_MEAN,
                WanVaeConfig.RESIDUAL_LATENTS_STD));
    var written = WanSizes.config(read);
    assertThat(written)
        .containsEntry("decoder_base_dim", 1)
        .containsEntry("in_channels", 12)
        .containsEntry("out_channels", 12)
        .containsEntry("is_residual", true)
        .containsEntry("patch_size", 2)
        .containsEntry("scale_factor_spatial", 16)
        .containsEntry("scale_factor_temporal", 4);
  }

  @Test
  void authorsLayoutWithoutAConfiguration_isTheSameAutoencoder() throws IOException {
    try (var golden = Golden.open("wan22/vae");
        var source = Checkpoint.open(GOLDEN)) {
      LayoutConversion.convert(
          List.of(source),
          new LayoutConversion.Request(
              folder, Layout.ORIGINAL, UnaryOperator.identity(), Long.MAX_VALUE));
      Path file = folder.resolve("Wan2.2_VAE.safetensors");
      try (var original = Checkpoint.open(file)) {
        assertThat(original.require("encoder.conv1.weight").shape())
            .containsExactly(2L, 12L, 3L, 3L, 3L);
        assertThat(original.names())
            .contains("decoder.upsamples.1.upsamples.2.time_conv.weight")
            .hasSameSizeAs(source.names());
      }
      assertThat(new WanFamily().recognises(folder)).isTrue();
      var vae = WanComponents.openVae(folder);
      assertThat(vae.latents().mean()).isEqualTo(WanVaeConfig.RESIDUAL_LATENTS_MEAN);
      assertThat(vae.latents().std()).isEqualTo(WanVaeConfig.RESIDUAL_LATENTS_STD);
      assertThat(vae.latents().spatialFactor()).isEqualTo(16);
      assertThat(vae.latents().sizeMultiple()).isEqualTo(32);
      var encoded = Codec.encode(vae, "vae_encoder/first", Map.of(), golden.tensor("in.f1.video"));
      golden.assertMatches(
          "out.f1.latent_mode", Objects.requireNonNull(encoded.get("latent_mean")));
      vae.components().values().forEach(component -> component.weights().close());
    }
  }

  /** One line that names the file, the field, what was expected and what was found. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "\"is_residual\": true|\"is_residual\": false|is_residual: expected true, as the tensors",
        "\"decoder_base_dim\": 1|\"decoder_base_dim\": 7|decoder_base_dim: expected 1, as tensor",
        "\"patch_size\": 2|\"patch_size\": 3|patch_size: expected 2, as tensor",
        "\"in_channels\": 12|\"in_channels\": 3|in_channels: expected 12, as tensor",
        "\"out_channels\": 12|\"out_channels\": 3|out_channels: expected 12, as tensor",
        "\"base_dim\": 2|\"base_dim\": 160|base_dim: expected 2, as tensor",
        "[ 1, 2, 4, 4 ]|[]|dim_mult: expected 1 to 8 levels, found 0",
        "[ 1, 2, 4, 4 ]|[1, 2, 4, 3]|dim_mult: expected a last factor that divides the 4 rows",
        "[ 1, 2, 4, 4 ]|[1, 4, 4, 4]|dim_mult: expected what makes the tensors' [2, 4, 8, 8]",
        "[ false, true, true ]|[true]|temperal_downsample: expected 3 values, found [true]",
        "\"z_dim\": 48|\"z_dim\": 16|z_dim: expected 48, as tensor",
        "\"num_res_blocks\": 1|\"num_res_blocks\": 2|num_res_blocks: expected 1, as the tensors",
      })
  void wrongConfiguration_isNamed(String right, String wrong, String message) throws IOException {
    Path config = folder.resolve("config.json");
    String text = Files.readString(GOLDEN.resolve("config.json"));
    text = text.replaceAll("\\s+", " ");
    assertThat(text).contains(right);
    Files.writeString(config, text.replace(right, wrong));
    String weights = "diffusion_pytorch_model.safetensors";
    Files.copy(GOLDEN.resolve(weights), folder.resolve(weights));
    assertThatThrownBy(() -> WanComponents.openVae(folder))
        .isInstanceOf(CheckpointException.class)
        .hasMessageStartingWith(config + ": " + message)
        .hasMessageNotContaining("\n");
  }

  private static WanVaeConfig read(Path checkpoint) throws IOException {
    var found = new WanFolder(checkpoint).require(WanComponent.VAE);
    try (var weights = found.open(WanComponent.VAE)) {
      return WanVaeConfig.read(found.config(), weights);
    }
  }

  private static List<Program> programs(WanVaeConfig config, Chunk chunk) {
    var vae = new WanVae(config);
    return List.of(vae.encoder(chunk), vae.decoder(chunk));
  }
}
