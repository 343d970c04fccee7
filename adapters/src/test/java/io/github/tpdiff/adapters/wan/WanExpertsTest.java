package io.github.tpdiff.adapters.wan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.model.Condition;
import io.github.tpdiff.runtime.model.Flow;
import io.github.tpdiff.runtime.model.ModelRequest;
import io.github.tpdiff.runtime.model.PictureUse;
import io.github.tpdiff.runtime.model.PipelineParts;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.runtime.reference.ContractData;
import io.github.tpdiff.runtime.reference.ReferenceEngine;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.layout.Contents;
import io.github.tpdiff.weights.layout.Layout;
import io.github.tpdiff.weights.layout.Network;
import io.github.tpdiff.weights.safetensors.SafetensorsWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Folders of Wan's later models, of transformers as small as they come. */
final class WanExpertsTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final WanTransformerConfig TEXT = config(4, Optional.empty(), Timesteps.PER_CLIP);
  private static final WanTransformerConfig PICTURE =
      config(9, Optional.empty(), Timesteps.PER_CLIP);

  private final WanFamily family = new WanFamily();
  @TempDir private Path folder;

  @Test
  void diffusersFolderOfTwo_asksTheFirstFromItsBoundaryOn() throws IOException {
    writeBoth(TEXT);
    index(Map.of("boundary_ratio", 0.875));
    assertThat(family.recognises(folder)).isTrue();
    try (VideoModel model = family.open(folder)) {
      Flow flow = model.description().flow();
      assertThat(model.components().keySet())
          .containsExactlyInAnyOrder(
              "transformer/conditioning",
              "transformer",
              "transformer_2/conditioning",
              "transformer_2");
      assertThat(flow.expert(875).component()).isEqualTo("transformer");
      assertThat(flow.expert(874).component()).isEqualTo("transformer_2");
      assertThat(flow.conditions(true)).isEmpty();
      // As published, and the authors' for low noise.
      assertThat(model.description().defaults().guidanceScale()).isEqualTo(4);
      assertThat(flow.denoisers().get(1).guidanceScale()).contains(3.0);
      String second = model.require("transformer_2").weights().origin();
      assertThat(second).startsWith(folder.resolve("transformer_2").toString());
    }
  }

  /** Nothing but the number of channels says that it is told of pictures. */
  @Test
  void authorsFolderOfTwo_hasThePublishedBoundary() throws IOException {
    write("high_noise_model", PICTURE, Layout.ORIGINAL);
    write("low_noise_model", PICTURE, Layout.ORIGINAL);
    try (VideoModel model = family.open(folder)) {
      Flow flow = model.description().flow();
      assertThat(flow.denoisers().get(0).leastTimestep()).isEqualTo(900);
      assertThat(model.require("transformer").weights().origin()).contains("high_noise_model");
      Condition condition = flow.condition("condition").orElseThrow();
      assertThat(condition.shape()).containsExactly("batch", "5", "frames", "height", "width");
      assertThat(condition.follows()).isEqualTo(Condition.Follows.FRAMES);
      assertThat(condition.optional()).isFalse();
      assertThat(flow.conditions(true)).containsExactly(condition);
      assertThat(flow.find("transformer_2").orElseThrow().reads())
          .isEqualTo(Map.of("condition", "condition"));
      assertThat(flow.pictures().orElseThrow().last()).isEqualTo(PictureUse.Last.OPTIONAL);
      assertThat(model.description().scheduler()).containsEntry("shift", 5.0);
    }
  }

  @Test
  void theSecondTransformer_mayLieElsewhere(@TempDir Path elsewhere) throws IOException {
    write("transformer", TEXT, Layout.DIFFUSERS);
    Files.move(folder.resolve("transformer"), elsewhere.resolve("low"));
    write("transformer", TEXT, Layout.DIFFUSERS);
    index(Map.of("boundary_ratio", 0.5));
    var request =
        new ModelRequest(folder, Map.of("transformer_2", elsewhere.resolve("low")), Map.of());
    try (VideoModel model = family.open(request)) {
      assertThat(model.require("transformer_2").weights().origin())
          .startsWith(elsewhere.toString());
      assertThat(model.description().flow().denoisers().get(0).leastTimestep()).isEqualTo(500);
    }
  }

  @Test
  void twoWithoutABoundary_areRefused() throws IOException {
    writeBoth(TEXT);
    index(Map.of("transformer_2", List.of("diffusers", "WanTransformer3DModel")));
    assertThatThrownBy(() -> family.open(folder))
        .isInstanceOf(CheckpointException.class)
        .hasMessage(
            folder.resolve("model_index.json")
                + ": boundary_ratio: expected a number between 0 and 1, as there is a"
                + " transformer_2, found none");
    index(Map.of("boundary_ratio", 1.5));
    assertThatThrownBy(() -> family.open(folder))
        .hasMessageEndingWith("boundary_ratio: expected a number between 0 and 1, found 1.5");
  }

  /** What today's converter of diffusers writes of Wan 2.1. */
  @Test
  void aBoundaryWithoutASecond_isSaidWhereItIsNeeded() throws IOException {
    write("transformer", TEXT, Layout.DIFFUSERS);
    index(Map.of("boundary_ratio", 0.9));
    try (VideoModel model = family.open(folder);
        var engine = new ReferenceEngine()) {
      var parts = PipelineParts.of(model, engine);
      List<String> networks = model.description().flow().networks();
      assertThatThrownBy(() -> parts.require("a video", networks))
          .hasMessage(
              "%s: a video needs transformer, transformer 2: found no transformer 2, only"
                      .formatted(parts.origin())
                  + " transformer");
    }
  }

  @Test
  void twoThatAreNotToldTheSame_areRefused() throws IOException {
    write("transformer", TEXT, Layout.DIFFUSERS);
    write("transformer_2", PICTURE, Layout.DIFFUSERS);
    index(Map.of("boundary_ratio", 0.9));
    assertThatThrownBy(() -> family.open(folder))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining(
            "transformer_2/config.json: in_channels, out_channels, text_dim, image_dim: expected"
                + " those of the first transformer, 4, 4, ")
        .hasMessageContaining(", none, found 9, 4, ");
  }

  @Test
  void pictureFeaturesWithoutTheirEncoder_areSaidWhereTheyAreNeeded() throws IOException {
    var branch = new WanTransformerConfig.ImageBranch(6, Optional.of(10));
    write("transformer", config(9, Optional.of(branch), Timesteps.PER_CLIP), Layout.DIFFUSERS);
    try (VideoModel model = family.open(folder);
        var engine = new ReferenceEngine()) {
      assertThat(model.description().flow().sizes()).containsEntry("image", 10L);
      assertThat(model.description().flow().pictures().orElseThrow().last())
          .isEqualTo(PictureUse.Last.ALWAYS);
      var parts = PipelineParts.of(model, engine);
      assertThatThrownBy(() -> parts.encoders("a picture", true))
          .isInstanceOf(CheckpointException.class)
          .hasMessageContaining("a picture needs image encoder: found no image encoder");
    }
  }

  /** Latents of as many channels as any: only the index says that frames may be given. */
  @Test
  void theIndexOfDiffusers_saysWhetherFramesHaveTimesOfTheirOwn() throws IOException {
    write("transformer", TEXT, Layout.DIFFUSERS);
    index(Map.of("expand_timesteps", true));
    try (VideoModel model = family.open(folder)) {
      Condition condition = model.description().flow().condition("condition").orElseThrow();
      assertThat(condition.shape()).containsExactly("batch", "5", "frames", "height", "width");
      assertThat(condition.optional()).isTrue();
      assertThat(model.description().flow().pictures().orElseThrow().given())
          .isEqualTo(PictureUse.Given.FIRST_FRAME);
      assertThat(model.description().flow().generating()).doesNotContain("vae_encoder");
    }
    index(Map.of("expand_timesteps", false));
    try (VideoModel model = family.open(folder)) {
      assertThat(model.description().flow().condition("condition")).isEmpty();
    }
  }

  @Test
  void theAuthorsConfiguration_saysSoByItsModelType() throws IOException {
    write(".", config(4, Optional.empty(), Timesteps.PER_FRAME), Layout.ORIGINAL);
    try (VideoModel model = family.open(folder)) {
      assertThat(model.description().flow().condition("condition")).isPresent();
    }
  }

  private void writeBoth(WanTransformerConfig config) throws IOException {
    write("transformer", config, Layout.DIFFUSERS);
    write("transformer_2", config, Layout.DIFFUSERS);
  }

  private void index(Map<String, ?> fields) throws IOException {
    JSON.writeValue(folder.resolve("model_index.json").toFile(), fields);
  }

  private void write(String part, WanTransformerConfig config, Layout layout) throws IOException {
    Path to = Files.createDirectories(folder.resolve(part)).toRealPath();
    var model = new WanTransformer(config);
    Program program = model.conditioning().then(model.denoiser());
    try (TensorSource weights = ContractData.weights(program, DType.F32)) {
      var found = Contents.of(weights.names()).find(Network.WAN_TRANSFORMER).orElseThrow();
      SafetensorsWriter.write(
          to.resolve("diffusion_pytorch_model.safetensors"), found.as(layout, weights));
    }
    JSON.writeValue(
        to.resolve("config.json").toFile(),
        layout == Layout.ORIGINAL ? WanSizes.originalConfig(config) : WanSizes.config(config));
  }

  private static WanTransformerConfig config(
      int inChannels, Optional<WanTransformerConfig.ImageBranch> image, Timesteps timesteps) {
    return new WanTransformerConfig(
        2, 8, 1, 12, inChannels, 4, 6, 8, List.of(1, 2, 2), 1e-6, image, timesteps);
  }
}
