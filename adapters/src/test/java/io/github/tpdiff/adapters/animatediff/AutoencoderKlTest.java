package io.github.tpdiff.adapters.animatediff;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tpdiff.adapters.Golden;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.model.ComponentDescription;
import io.github.tpdiff.runtime.model.ConfigFile;
import io.github.tpdiff.runtime.reference.ReferenceEngine;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.MemoryTensors;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.checkpoint.Checkpoint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The autoencoder against diffusers' outputs, each picture of the case a frame of one clip. */
final class AutoencoderKlTest {
  private static final Path VAE = Golden.folder("animatediff/vae");

  @ParameterizedTest
  @CsvSource({"vae,a", "vae,b", "vae-legacy,a", "vae-legacy,b"})
  void encode_matchesThePosteriorMode(String folder, String run) {
    try (var golden = Golden.open("animatediff/vae")) {
      Tensor mean =
          run(
              StableDiffusionParts.openVae(VAE.resolve(folder)),
              ComponentDescription.VAE_ENCODER,
              clip(golden.tensor("in." + run + ".image")));
      golden.assertMatches("out." + run + ".latent_mode", pictures(mean));
    }
  }

  @ParameterizedTest
  @CsvSource({"vae,a", "vae,b", "vae-legacy,a", "vae-legacy,b"})
  void decode_matchesThePictures(String folder, String run) {
    try (var golden = Golden.open("animatediff/vae")) {
      var vae = StableDiffusionParts.openVae(VAE.resolve(folder));
      Tensor scaled = golden.tensor("out." + run + ".latent_scaled");
      float[] values = scaled.toFloatArray();
      double std = vae.latents().std().get(0);
      for (int i = 0; i < values.length; i++) {
        values[i] = (float) (values[i] * std);
      }
      Tensor sample =
          run(vae, ComponentDescription.VAE_DECODER, clip(Tensor.ofFloats(values, scaled.shape())));
      golden.assertMatches("out." + run + ".decoded", pictures(sample));
    }
  }

  @Test
  void attentionAsConvolutions_givesTheSame() {
    try (var golden = Golden.open("animatediff/vae");
        var published = Checkpoint.open(VAE.resolve("vae-legacy"))) {
      var vae =
          StableDiffusionParts.vae(
              withConvolutions(published), ConfigFile.open(VAE.resolve("vae-legacy/config.json")));
      Tensor mean = run(vae, ComponentDescription.VAE_ENCODER, clip(golden.tensor("in.a.image")));
      golden.assertMatches("out.a.latent_mode", pictures(mean));
    }
  }

  @Test
  void geometry_isOneLatentPerFrameScaledAsPublished() {
    var vae = StableDiffusionParts.openVae(VAE.resolve("vae"));
    assertThat(vae.latents().frames(16)).isEqualTo(16);
    assertThat(vae.latents().latentFrames(5)).isEqualTo(5);
    assertThat(vae.latents().spatialFactor()).isEqualTo(8);
    assertThat(vae.latents().mean()).containsOnly(0.0);
    assertThat(1 / vae.latents().std().get(0)).isEqualTo(0.18215);
    vae.components().values().forEach(component -> component.weights().close());
  }

  @Test
  void sizesFollowFromTheTensors(@TempDir Path folder) throws IOException {
    Path config = folder.resolve("config.json");
    Files.writeString(config, "{\"norm_num_groups\": 8}");
    try (var weights = Checkpoint.open(VAE.resolve("vae"))) {
      assertThat(AutoencoderKlConfig.read(ConfigFile.open(config), weights))
          .isEqualTo(new AutoencoderKlConfig(List.of(8, 16, 16, 24), 1, 4, 8, 0.18215));
    }
  }

  @Test
  void groupsThatDoNotDivideTheChannels_areRefused() {
    try (var weights = Checkpoint.open(VAE.resolve("vae"))) {
      assertThatThrownBy(() -> AutoencoderKlConfig.read(ConfigFile.none(Path.of("none")), weights))
          .isInstanceOf(CheckpointException.class)
          .hasMessageContaining("norm_num_groups: expected a divisor of block_out_channels");
    }
  }

  /** The attention matrices as 1×1 convolutions, as checkpoints before diffusers have them. */
  private static TensorSource withConvolutions(TensorSource published) {
    var copy = MemoryTensors.builder();
    for (String name : published.names()) {
      TensorInfo info = published.require(name);
      boolean matrix = name.contains(".attentions.") && info.shape().size() == 2;
      List<Long> shape =
          matrix ? List.of(info.shape().get(0), info.shape().get(1), 1L, 1L) : info.shape();
      copy.addFloats(name, shape, published.floats(name));
    }
    return copy.build();
  }

  private static Tensor run(StableDiffusionParts.Vae vae, String name, Tensor clip) {
    var component = Objects.requireNonNull(vae.components().get(name));
    String input = component.program().inputs().keySet().iterator().next();
    try (var engine = new ReferenceEngine();
        var executable = engine.load(component.program(), component.weights())) {
      return executable.run(Map.of(input, clip)).values().iterator().next();
    } finally {
      component.weights().close();
    }
  }

  /** Pictures [N, C, H, W] as the frames of one clip [1, C, N, H, W]. */
  private static Tensor clip(Tensor pictures) {
    long[] s = pictures.shape();
    float[] swapped = swapped(pictures.toFloatArray(), (int) s[0], (int) s[1]);
    return Tensor.ofFloats(swapped, 1, s[1], s[0], s[2], s[3]);
  }

  private static Tensor pictures(Tensor clip) {
    long[] s = clip.shape();
    float[] swapped = swapped(clip.toFloatArray(), (int) s[1], (int) s[2]);
    return Tensor.ofFloats(swapped, s[2], s[1], s[3], s[4]);
  }

  /** The planes of [rows, columns, plane...] as [columns, rows, plane...]. */
  private static float[] swapped(float[] values, int rows, int columns) {
    int plane = values.length / (rows * columns);
    var swapped = new float[values.length];
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < columns; c++) {
        System.arraycopy(values, (r * columns + c) * plane, swapped, (c * rows + r) * plane, plane);
      }
    }
    return swapped;
  }
}
