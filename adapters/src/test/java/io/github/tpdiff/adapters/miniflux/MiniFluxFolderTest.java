package io.github.tpdiff.adapters.miniflux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tpdiff.runtime.model.CheckpointTemplate;
import io.github.tpdiff.runtime.model.ModelFamily;
import io.github.tpdiff.runtime.model.ModelRequest;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is taken for miniFLUX, and what is opened of it. */
class MiniFluxFolderTest {
  private static final String[] NETWORK = {"transformer", "transformer/conditioning"};
  private static final String[] AUTOENCODER = {
    "vae_decoder", "vae_decoder/first", "vae_encoder", "vae_encoder/first"
  };

  @TempDir private Path temporary;
  private Path folder;

  @BeforeEach
  void writeCheckpoint() {
    folder = temporary.resolve("miniflux");
    write(MiniFluxTemplates.tiny(), MiniFluxTemplates.tiny().defaultComponents(), folder);
  }

  private static void write(CheckpointTemplate template, List<String> components, Path folder) {
    template.write(
        new CheckpointTemplate.Order(folder, DType.BF16, components, (written, total) -> {}));
  }

  private static List<String> takenBy(Path path) {
    return ModelFamily.all().stream()
        .filter(family -> family.recognises(path))
        .map(ModelFamily::name)
        .toList();
  }

  private static List<String> components(ModelRequest request) {
    try (VideoModel model = new MiniFluxFamily().open(request)) {
      return List.copyOf(model.components().keySet());
    }
  }

  private static List<String> components(Path path) {
    return components(ModelRequest.of(path));
  }

  @Test
  void wholeFolder_isMiniFluxAlone() {
    assertThat(takenBy(folder)).containsExactly("miniflux");
    assertThat(components(folder)).contains(NETWORK).contains(AUTOENCODER).hasSize(8);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "diffusion_transformer_384p",
        "diffusion_transformer_384p/diffusion_pytorch_model.safetensors"
      })
  void transformerAlone_isMiniFlux(String part) {
    assertThat(takenBy(folder.resolve(part))).containsExactly("miniflux");
    assertThat(components(folder.resolve(part))).containsExactlyInAnyOrder(NETWORK);
  }

  @Test
  void autoencoderAlone_isMiniFlux() {
    Path vae = folder.resolve("causal_video_vae");
    assertThat(takenBy(vae)).containsExactly("miniflux");
    assertThat(components(vae)).containsExactlyInAnyOrder(AUTOENCODER);
  }

  /** Many models have the same encoders. */
  @Test
  void textEncodersAlone_areNobodys() throws IOException {
    assertThat(takenBy(folder.resolve("text_encoder"))).doesNotContain("miniflux");
    assertThat(takenBy(Files.createDirectory(temporary.resolve("empty")))).isEmpty();
    assertThat(takenBy(temporary.resolve("absent"))).isEmpty();
  }

  @Test
  void checkpointsOfOtherFamilies_areTheirs() {
    for (ModelFamily family : ModelFamily.all()) {
      family
          .templates()
          .forEach(
              (name, template) -> {
                if (name.endsWith("-tiny")) {
                  Path other = temporary.resolve("other-" + name);
                  write(template, template.defaultComponents(), other);
                  assertThat(takenBy(other)).containsExactly(family.name());
                }
              });
    }
  }

  @Test
  void partElsewhere_isOpenedFromThere() throws IOException {
    Path elsewhere = temporary.resolve("elsewhere");
    Files.move(folder.resolve("causal_video_vae"), elsewhere);
    assertThat(components(folder)).doesNotContain(AUTOENCODER);
    var request = new ModelRequest(folder, Map.of("causal_video_vae", elsewhere), Map.of());
    assertThat(components(request)).contains(AUTOENCODER);
  }

  @Test
  void variant_isTheFirstThatIsThereUnlessChosen() throws IOException {
    Files.move(
        folder.resolve("diffusion_transformer_384p"), folder.resolve("diffusion_transformer_768p"));
    assertThat(components(folder)).contains(NETWORK);
    assertThat(components(variant("768p"))).contains(NETWORK);
    assertThatThrownBy(() -> components(variant("384p")))
        .isInstanceOf(CheckpointException.class)
        .hasMessage(
            folder + ": setting variant: expected one of [768p], which are there, found 384p");
  }

  private ModelRequest variant(String name) {
    return new ModelRequest(folder, Map.of(), Map.of("variant", name));
  }

  /** Of a head of another width no tensor tells how its rotary angles are shared out. */
  @Test
  void transformerWithoutItsConfiguration_saysWhatIsMissing() throws IOException {
    Path config = folder.resolve("diffusion_transformer_384p/config.json");
    Files.delete(config);
    assertThatThrownBy(() -> components(folder))
        .hasMessage(
            config
                + ": axes_dims_rope: expected three even numbers that make up the head dimension"
                + " 32, found none");
  }
}
