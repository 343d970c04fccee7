package io.github.tpdiff.adapters.wan;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.tpdiff.adapters.Golden;
import io.github.tpdiff.runtime.diffusion.Scheduler;
import io.github.tpdiff.runtime.model.ComponentDescription;
import io.github.tpdiff.weights.CheckpointException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class WanFolderTest {
  private final WanFamily family = new WanFamily();
  @TempDir private Path folder;

  @Test
  void authorsLayout_givesEveryComponentAndTheirScheduler() throws IOException {
    copy("transformer-i2v-original/config.json");
    copy("transformer-i2v-original/diffusion_pytorch_model.safetensors");
    copy("vae-original/Wan2.1_VAE.pth");
    copy("text-encoder-original/models_t5_umt5-xxl-enc-bf16.pth");
    assertTrue(family.recognises(folder));
    try (var model = family.open(folder)) {
      assertEquals(
          Set.of(
              "text_encoder",
              "transformer/conditioning",
              "transformer",
              "vae_encoder/first",
              "vae_encoder",
              "vae_decoder/first",
              "vae_decoder"),
          model.components().keySet());
      assertEquals(WanVaeConfig.LATENTS_MEAN, model.description().latents().mean());
      var grid = Scheduler.fromConfig(model.description().scheduler()).schedule().steps(5);
      // The authors' grid at shift 3, which they have for pictures at 480p.
      assertEquals(
          List.of(999.0, 922.0, 817.0, 666.0, 428.0),
          grid.stream().map(step -> step.timestep()).toList());
    }
  }

  @Test
  void diffusersLayout_opensWithWhatIsThere() throws IOException {
    copy("vae/vae/config.json", "vae/config.json");
    copy("vae/vae/diffusion_pytorch_model.safetensors", "vae/diffusion_pytorch_model.safetensors");
    Files.createDirectories(folder.resolve("transformer"));
    Files.writeString(
        folder.resolve("transformer/config.json"), "{\"_class_name\": \"SomethingElse\"}");
    try (var model = family.open(folder)) {
      assertEquals(4, model.components().size());
      assertTrue(model.components().containsKey(ComponentDescription.VAE_DECODER));
      assertEquals(Map.of("tokenizer", folder.resolve("tokenizer")), model.tokenizers().folders());
      var error =
          assertThrows(CheckpointException.class, () -> model.tokenizers().get("tokenizer"));
      assertTrue(error.getMessage().contains("tokenizer.json"), error.getMessage());
    }
  }

  @Test
  void otherFolders_areNotRecognised() throws IOException {
    assertFalse(family.recognises(folder));
    assertFalse(family.recognises(folder.resolve("absent")));
    Files.createDirectories(folder.resolve("vae"));
    Files.writeString(folder.resolve("vae/config.json"), "{\"_class_name\": \"AutoencoderKL\"}");
    Files.writeString(folder.resolve("config.json"), "{\"_class_name\": \"FluxTransformer\"}");
    assertFalse(family.recognises(folder));
    var error = assertThrows(CheckpointException.class, () -> family.open(folder));
    assertTrue(error.getMessage().startsWith(folder + ": expected a Wan checkpoint"));
  }

  /** One line that names the file, the field, what was expected and what was found. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{\"num_heads\": 2, \"ffn_dim\": \"wide\"}|ffn_dim: expected an integer from 1 to 1048576,"
            + " found \"wide\"",
        "{\"num_heads\": 2, \"num_layers\": 7}|num_layers: expected 2, those in the checkpoint,"
            + " found 7",
        "{}|num_attention_heads: expected the number of heads, as width 48 is no multiple of 128",
        "{\"num_heads\": 2, \"patch_size\": [1000000, 1000000, 1000000]}|patch_size: expected [1,"
            + " 2, 2], as the tensors",
        "{\"num_heads\": 2, \"ffn_dim\": 1000000000}|ffn_dim: expected an integer from 1 to"
            + " 1048576, found 1000000000",
        "{\"num_heads\": 2, \"eps\": NaN}|eps: expected a finite number, found",
        "{\"num_heads\": 2, \"eps\": 1e400}|eps: expected a finite number, found",
        "{\"num_heads\": 5}|heads times head dimension: expected 48",
        "{\"num_heads\": 2, \"patch_size\": 2}|patch_size: expected a list, found 2",
        "{\"qk_norm\": \"layer_norm\"}|qk_norm: expected rms_norm_across_heads, found layer_norm",
        "[1, 2]|expected a JSON object, found array",
        "{\"dim\": 48|expected JSON",
      })
  void wrongConfiguration_isNamed(String json, String message) throws IOException {
    copy("transformer-i2v-original/diffusion_pytorch_model.safetensors");
    Path config = Files.writeString(folder.resolve("config.json"), json);
    var error =
        assertThrows(CheckpointException.class, () -> WanComponents.openTransformer(folder));
    assertTrue(error.getMessage().startsWith(config + ": "), error.getMessage());
    assertTrue(error.getMessage().contains(message), error.getMessage());
    assertEquals(1, error.getMessage().lines().count());
  }

  @Test
  void unknownFieldsAndAbsentOnes_areNoMatter() throws IOException {
    copy("transformer-i2v-original/diffusion_pytorch_model.safetensors");
    Files.writeString(
        folder.resolve("config.json"), "{\"num_heads\": 2, \"pos_embed_seq_len\": null, \"x\": 1}");
    var published = WanComponents.openTransformer(Golden.folder("wan/transformer-i2v-original"));
    var bare = WanComponents.openTransformer(folder);
    for (String name :
        List.of(ComponentDescription.conditioning(WanFlow.TRANSFORMER), WanFlow.TRANSFORMER)) {
      assertEquals(shapes(published, name), shapes(bare, name));
    }
    published.values().forEach(c -> c.weights().close());
    bare.values().forEach(c -> c.weights().close());
  }

  private static List<String> shapes(
      Map<String, io.github.tpdiff.runtime.model.Component> components, String name) {
    return java.util.Objects.requireNonNull(components.get(name)).program().segments().stream()
        .flatMap(graph -> graph.nodes().stream())
        .map(Object::toString)
        .toList();
  }

  private void copy(String resource) throws IOException {
    copy(resource, Path.of(resource).getFileName().toString());
  }

  private void copy(String resource, String target) throws IOException {
    Path file = folder.resolve(target);
    Files.createDirectories(java.util.Objects.requireNonNull(file.getParent()));
    Files.copy(Golden.folder("wan/" + resource), file);
  }
}
