package io.github.tpdiff.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.tpdiff.runtime.diffusion.GridFactor;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.diffusion.PositionRules;
import io.github.tpdiff.runtime.diffusion.PositionRules.PositionRule;
import io.github.tpdiff.runtime.diffusion.StageChoice;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.diffusion.StageConfig.Targets;
import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.media.PngWriter;
import io.github.tpdiff.runtime.model.CheckpointTemplate;
import io.github.tpdiff.runtime.model.Condition;
import io.github.tpdiff.runtime.model.ModelDescription;
import io.github.tpdiff.runtime.model.ModelFamily;
import io.github.tpdiff.runtime.model.PipelineParts;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.runtime.onnx.ExportRequest;
import io.github.tpdiff.runtime.onnx.ExportedFolder;
import io.github.tpdiff.runtime.onnx.OnnxDevice;
import io.github.tpdiff.runtime.onnx.OnnxEngine;
import io.github.tpdiff.runtime.pipeline.GenerationListener;
import io.github.tpdiff.runtime.pipeline.GenerationRequest;
import io.github.tpdiff.runtime.pipeline.SamplingChoice;
import io.github.tpdiff.runtime.pipeline.VideoPipeline;
import io.github.tpdiff.runtime.pipeline.VideoSize;
import io.github.tpdiff.runtime.torch.TorchEngine;
import io.github.tpdiff.runtime.video.VideoFrame;
import io.github.tpdiff.weights.DType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every family in stages over rows and columns, on both engines. */
final class StagesOverSpaceTest {
  /** Of the largest value: what rounding comes to over a few steps of the networks. */
  private static final double ROUNDING = 1e-5;

  @TempDir private Path folder;

  static List<String> templates() {
    return ModelFamily.all().stream()
        .flatMap(family -> family.templates().keySet().stream())
        .filter(name -> name.endsWith("-tiny"))
        .sorted()
        .toList();
  }

  /** Stages by two along every axis, and pyramids that differ in all else, from one export. */
  @ParameterizedTest
  @MethodSource("templates")
  void oneExportServesEveryStage_withTheLatentsOfTheOtherEngine(String template)
      throws IOException {
    Path exported = folder.resolve("exported");
    try (VideoModel model = open(template);
        Engine torch = TorchEngine.cpu();
        OnnxEngine onnx = OnnxEngine.on(OnnxDevice.CPU)) {
      StageConfig cube = over(model, GridFactor.cube(2));
      ExportedFolder.write(model, exported, ExportRequest.of(StageChoice.of(cube)));
      try (ExportedFolder parts = ExportedFolder.open(exported, onnx)) {
        for (StageConfig stages :
            List.of(
                cube,
                over(model, new GridFactor(1, 2, 2)),
                cube.withTargets(Targets.PIXEL).withPositions(ofSpace(PositionRule.NATIVE)))) {
          for (GenerationRequest request : requests(model.description(), stages)) {
            Latents one = generate(PipelineParts.of(model, torch), request);
            assertThat(apart(one, generate(parts, request)))
                .as("%s %s", stages, request.picture())
                .isLessThan(ROUNDING);
          }
        }
      }
    }
  }

  /** Only motion modules have positions in AnimateDiff, and those in time alone. */
  @ParameterizedTest
  @MethodSource("templates")
  void positionsOfRowsAndColumns_matterToNetworksThatHaveThem(String template) throws IOException {
    try (VideoModel model = open(template);
        Engine torch = TorchEngine.cpu()) {
      StageConfig stages = over(model, new GridFactor(1, 2, 2));
      float[] scaled = latents(model, torch, stages.withPositions(ofSpace(PositionRule.SCALED)));
      float[] others = latents(model, torch, stages.withPositions(ofSpace(PositionRule.NATIVE)));
      if (template.startsWith("animatediff")) {
        assertThat(others).isEqualTo(scaled);
      } else {
        assertThat(others).isNotEqualTo(scaled);
      }
    }
  }

  private float[] latents(VideoModel model, Engine engine, StageConfig stages) throws IOException {
    GenerationRequest request = requests(model.description(), stages).get(0);
    return generate(PipelineParts.of(model, engine), request).data();
  }

  private VideoModel open(String template) {
    ModelFamily family =
        ModelFamily.all().stream()
            .filter(one -> one.templates().containsKey(template))
            .findFirst()
            .orElseThrow();
    Path checkpoint = folder.resolve("checkpoint");
    CheckpointTemplate tiny = Objects.requireNonNull(family.templates().get(template));
    tiny.write(
        new CheckpointTemplate.Order(
            checkpoint, DType.F32, tiny.defaultComponents(), (written, total) -> {}));
    return family.open(checkpoint);
  }

  /** Three stages. */
  private static StageConfig over(VideoModel model, GridFactor rate) {
    return model.description().vanillaStages().withRates(Collections.nCopies(2, rate));
  }

  private static PositionRules ofSpace(PositionRule rule) {
    return new PositionRules(PositionRule.SCALED, rule, rule);
  }

  /** With a picture where the model takes one, and without where it can. */
  private List<GenerationRequest> requests(ModelDescription model, StageConfig stages)
      throws IOException {
    GenerationRequest request =
        GenerationRequest.of("a red ball rolls to the right")
            .withSize(VideoSize.of(model.defaults()))
            .withSampling(
                SamplingChoice.open()
                    .withSteps(4)
                    .withGuidance(3)
                    .withStages(StageChoice.of(stages)))
            .withSeed(3);
    List<Condition> ofPictures = model.flow().conditions(true);
    if (ofPictures.isEmpty()) {
      return List.of(request);
    }
    GenerationRequest shown = request.withPicture(picture());
    return ofPictures.stream().allMatch(Condition::optional)
        ? List.of(request, shown)
        : List.of(shown);
  }

  private Path picture() throws IOException {
    Path file = folder.resolve("picture.png");
    var data = new float[3 * 20 * 30];
    for (int i = 0; i < data.length; i++) {
      data[i] = (float) Math.sin(i * 0.07);
    }
    PngWriter.write(file, new VideoFrame(data, 20, 30, 0));
    return file;
  }

  private static Latents generate(PipelineParts parts, GenerationRequest request) {
    return new VideoPipeline(parts).generate(request, GenerationListener.silent()).latents();
  }

  private static double apart(Latents one, Latents other) {
    assertThat(other.shape()).isEqualTo(one.shape());
    double largest = 0;
    double apart = 0;
    for (int i = 0; i < one.data().length; i++) {
      largest = Math.max(largest, Math.abs(one.data()[i]));
      apart = Math.max(apart, Math.abs((double) one.data()[i] - other.data()[i]));
    }
    return apart / largest;
  }
}
