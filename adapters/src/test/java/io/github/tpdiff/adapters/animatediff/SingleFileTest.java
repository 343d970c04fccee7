package io.github.tpdiff.adapters.animatediff;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.tpdiff.adapters.Golden;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.model.Component;
import io.github.tpdiff.runtime.model.ComponentDescription;
import io.github.tpdiff.runtime.reference.ReferenceEngine;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.checkpoint.Checkpoint;
import io.github.tpdiff.weights.layout.Contents;
import io.github.tpdiff.weights.layout.Layout;
import io.github.tpdiff.weights.layout.Network;
import io.github.tpdiff.weights.safetensors.SafetensorsWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Autoencoder and text encoder together in one file under their authors' names. */
final class SingleFileTest {
  private static final String VAE_CASE = "animatediff/vae";
  private static final String TEXT_CASE = "animatediff/text-encoder";

  @TempDir private Path folder;

  @BeforeEach
  void writeFile() {
    try (var vae = Checkpoint.open(Golden.folder(VAE_CASE).resolve("vae"));
        var text = Checkpoint.open(Golden.folder(TEXT_CASE).resolve("text_encoder"))) {
      TensorSource both =
          original(Network.SD_VAE, vae).overlaid(original(Network.CLIP_TEXT_ENCODER, text));
      assertThat(both.names())
          .contains("first_stage_model.encoder.mid.attn_1.q.weight")
          .contains("cond_stage_model.transformer.text_model.final_layer_norm.bias");
      SafetensorsWriter.write(file(), both);
    }
  }

  private Path file() {
    return folder.resolve("community.safetensors");
  }

  private static TensorSource original(Network network, TensorSource source) {
    return Contents.of(source.names())
        .find(network)
        .orElseThrow()
        .as(Layout.ORIGINAL, source)
        .renamed(name -> Optional.of(network.prefix() + name));
  }

  /** Such files have no configuration; that of the case is there for its group count. */
  @Test
  void autoencoder_isFoundInIt() throws IOException {
    Files.copy(Golden.folder(VAE_CASE).resolve("vae/config.json"), folder.resolve("config.json"));
    try (var golden = Golden.open(VAE_CASE)) {
      var vae = StableDiffusionParts.openVae(file());
      Tensor image = golden.tensor("in.b.image");
      long[] s = image.shape();
      Tensor mean =
          run(
              Objects.requireNonNull(vae.components().get(ComponentDescription.VAE_ENCODER)),
              "sample",
              Tensor.ofFloats(image.toFloatArray(), 1, s[1], 1, s[2], s[3]));
      Tensor expected = golden.tensor("out.b.latent_mode");
      golden.assertMatches(
          "out.b.latent_mode", Tensor.ofFloats(mean.toFloatArray(), expected.shape()));
    }
  }

  @Test
  void textEncoder_isFoundInIt() throws IOException {
    Files.copy(
        Golden.folder(TEXT_CASE).resolve("text_encoder/config.json"),
        folder.resolve("config.json"));
    try (var golden = Golden.open(TEXT_CASE)) {
      var components = StableDiffusionParts.openTextEncoder(file());
      Tensor states =
          run(
              Objects.requireNonNull(components.get(AnimateDiffFlow.TEXT_ENCODER)),
              "input_ids",
              golden.tensor("in.input_ids"));
      golden.assertMatches("out.last_hidden_state", states);
    }
  }

  private static Tensor run(Component component, String input, Tensor value) {
    try (var engine = new ReferenceEngine();
        var executable = engine.load(component.program(), component.weights())) {
      return executable.run(Map.of(input, value)).values().iterator().next();
    } finally {
      component.weights().close();
    }
  }
}
