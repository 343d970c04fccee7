package io.github.tpdiff.conformance.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tpdiff.runtime.diffusion.FrameResampling;
import io.github.tpdiff.runtime.diffusion.StageChoice;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.graph.ElementType;
import io.github.tpdiff.runtime.model.ComponentDescription;
import io.github.tpdiff.runtime.model.Condition;
import io.github.tpdiff.runtime.model.Flow;
import io.github.tpdiff.runtime.model.FunctionParts;
import io.github.tpdiff.runtime.model.LinearVideoModel;
import io.github.tpdiff.runtime.model.Runs;
import io.github.tpdiff.runtime.pipeline.GenerationListener;
import io.github.tpdiff.runtime.pipeline.GenerationRequest;
import io.github.tpdiff.runtime.pipeline.SamplingChoice;
import io.github.tpdiff.runtime.pipeline.VideoPipeline;
import io.github.tpdiff.runtime.pipeline.VideoSize;
import io.github.tpdiff.weights.CheckpointException;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A network that is told a picture's red in every frame, and how late the frame is. */
class PicturePipelineTest {
  @TempDir private Path folder;
  private Path white = Path.of("");

  /** What the network was told in each frame, call by call. */
  private final List<List<Float>> told = new ArrayList<>();

  @BeforeEach
  void writePicture() throws IOException {
    white = folder.resolve("white.png");
    var image = new BufferedImage(8, 8, BufferedImage.TYPE_INT_RGB);
    for (int i = 0; i < 64; i++) {
      image.setRGB(i % 8, i / 8, 0xffffff);
    }
    ImageIO.write(image, "png", white.toFile());
  }

  private static Flow flow(boolean optional) {
    var image =
        new Condition(
            "image",
            ElementType.F32,
            List.of("batch", "1", "frames", "1", "1"),
            Condition.Follows.FRAMES,
            optional);
    return new Flow(
        List.of(
            ComponentDescription.of(
                "image_encoder",
                Runs.PICTURE,
                Map.of("sample", Flow.PICTURE, "at", Flow.POSITIONS),
                Map.of("latents", "image")),
            ComponentDescription.of(
                "transformer", Runs.STEP, Map.of("image_frames", "image"), Map.of()),
            ComponentDescription.of("vae_decoder", Runs.CHUNK, Map.of(), Map.of())),
        List.of(Flow.Expert.alone("transformer")),
        List.of(),
        List.of(image),
        Map.of());
  }

  private FunctionParts parts(boolean optional) {
    return new FunctionParts(LinearVideoModel.description().withFlow(flow(optional)))
        .with("vae_decoder", List.of(), List.of(), in -> in)
        .with(
            "image_encoder",
            List.of("sample", "at"),
            List.of("latents"),
            in -> {
              assertThat(get(in, "sample").shape()).containsExactly(1, 3, 1, 16, 32);
              float red = get(in, "sample").floats().get(0);
              float[] at = get(in, "at").toFloatArray();
              for (int i = 0; i < at.length; i++) {
                at[i] = red + 10 * at[i];
              }
              return Map.of("latents", Tensor.ofFloats(at, 1, 1, at.length, 1, 1));
            })
        .with(
            "transformer",
            List.of("hidden_states", "timestep", "temporal_positions", "image_frames"),
            List.of("out_hidden_states"),
            in -> {
              var frames = new ArrayList<Float>();
              for (float value : get(in, "image_frames").toFloatArray()) {
                frames.add(value);
              }
              told.add(frames);
              return Map.of("out_hidden_states", Tensor.zeros(get(in, "hidden_states").shape()));
            });
  }

  private static Tensor get(Map<String, Tensor> values, String name) {
    return Objects.requireNonNull(values.get(name), name);
  }

  private static GenerationRequest request() {
    return GenerationRequest.of("")
        .withSize(new VideoSize(16, 32, 17, 16))
        .withSampling(
            SamplingChoice.open()
                .withSteps(3)
                .withGuidance(1)
                .withStages(
                    StageChoice.of(StageConfig.pyramid(3, FrameResampling.sharedFirstFrame()))));
  }

  private static void generate(FunctionParts parts, GenerationRequest request) {
    new VideoPipeline(parts).generate(request, GenerationListener.silent());
  }

  @Test
  void picture_isEncodedOnceAndSeenAtTheFramesOfEachStage() {
    FunctionParts parts = parts(true);
    generate(parts, request().withPicture(white));
    assertThat(told)
        .containsExactly(List.of(1f, 41f), List.of(1f, 21f, 41f), List.of(1f, 11f, 21f, 31f, 41f));
    assertThat(parts.events())
        .containsExactly("+image_encoder", "-image_encoder", "+transformer", "-transformer");
  }

  @Test
  void withoutAPicture_theNetworkIsToldZeros() {
    FunctionParts parts = parts(true).without("image_encoder");
    generate(parts, request());
    assertThat(told).extracting(List::size).containsExactly(2, 3, 5);
    assertThat(told).allSatisfy(frames -> assertThat(frames).containsOnly(0f));
    assertThat(parts.events()).containsExactly("+transformer", "-transformer");
  }

  @Test
  void pictureThatNothingEncodes_isRefusedBeforeAnythingIsLoaded() {
    FunctionParts parts = parts(true).without("image_encoder");
    assertThatThrownBy(() -> generate(parts, request().withPicture(white)))
        .isInstanceOf(CheckpointException.class)
        .hasMessage(
            "functions: a picture needs image encoder: found no image encoder, only vae decoder,"
                + " transformer");
    assertThat(parts.events()).isEmpty();
  }

  @Test
  void modelThatNeedsAPicture_isNotAskedWithoutOne() {
    FunctionParts parts = parts(false);
    assertThatThrownBy(() -> generate(parts, request()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("picture: expected one, without which this model makes no video, found none");
    assertThat(parts.events()).isEmpty();
    generate(parts, request().withPicture(white));
    assertThat(told.get(0)).isEqualTo(Arrays.asList(1f, 41f));
  }
}
