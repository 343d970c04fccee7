package io.github.tpdiff.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.tpdiff.runtime.diffusion.FrameResampling;
import io.github.tpdiff.runtime.diffusion.GridFactor;
import io.github.tpdiff.runtime.diffusion.PositionRules;
import io.github.tpdiff.runtime.diffusion.PositionRules.PositionRule;
import io.github.tpdiff.runtime.diffusion.StageChoice;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.model.ModelDescription;
import io.github.tpdiff.runtime.model.RecordJson;
import io.github.tpdiff.runtime.onnx.ExportedFolder;
import io.github.tpdiff.runtime.onnx.OnnxDevice;
import io.github.tpdiff.runtime.onnx.OnnxEngine;
import io.github.tpdiff.runtime.pipeline.GenerationListener;
import io.github.tpdiff.runtime.pipeline.GenerationRequest;
import io.github.tpdiff.runtime.pipeline.SamplingChoice;
import io.github.tpdiff.runtime.pipeline.VideoPipeline;
import io.github.tpdiff.runtime.pipeline.VideoSize;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.safetensors.SafetensorsFile;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What earlier versions of the program wrote, and what later ones may. */
final class EarlierFormatsTest {
  /**
   * Of the largest value: bit for bit where they were written; other processors add up otherwise.
   */
  private static final double ROUNDING = 1e-6;

  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir private Path folder;

  private static Path first(String name) throws URISyntaxException {
    return Path.of(
        Objects.requireNonNull(EarlierFormatsTest.class.getResource("/formats/1.0/" + name))
            .toURI());
  }

  @ParameterizedTest
  @CsvSource({"wan, 17", "animatediff, 8"})
  void exportOfTheFirstFormat_generatesTheLatentsThatItGaveThen(String family, int frames)
      throws URISyntaxException {
    try (OnnxEngine engine = OnnxEngine.on(OnnxDevice.CPU);
        ExportedFolder parts = ExportedFolder.open(first(family), engine)) {
      var request =
          GenerationRequest.of("a red ball rolls to the right")
              .withNegativePrompt("blue")
              .withSize(new VideoSize(64, 64, frames, 8))
              .withSampling(SamplingChoice.open().withSteps(3).withGuidance(3));
      float[] found =
          new VideoPipeline(parts).generate(request, GenerationListener.silent()).latents().data();
      float[] expected = floats(first(family + "-latents.safetensors"));
      assertThat(found).hasSameSizeAs(expected);
      double largest = 0;
      double error = 0;
      for (int i = 0; i < expected.length; i++) {
        largest = Math.max(largest, Math.abs(expected[i]));
        error = Math.max(error, Math.abs(found[i] - (double) expected[i]));
      }
      assertThat(error / largest).isLessThan(ROUNDING);
    }
  }

  /** Its graph counts rows and columns, and is not told of others. */
  @Test
  void exportOfTheFirstFormat_runsWithRowsWhereItCountsThem_andSaysWhereItCannot()
      throws URISyntaxException {
    try (OnnxEngine engine = OnnxEngine.on(OnnxDevice.CPU);
        ExportedFolder parts = ExportedFolder.open(first("wan"), engine)) {
      var coarser =
          parts
              .stages()
              .withRates(Collections.nCopies(parts.stages().rates().size(), GridFactor.cube(2)));
      var counted =
          coarser.withPositions(
              new PositionRules(PositionRule.SCALED, PositionRule.NATIVE, PositionRule.NATIVE));
      var pipeline = new VideoPipeline(parts);
      assertThat(pipeline.generate(over(counted), GenerationListener.silent()).latents().data())
          .doesNotContain(Float.NaN);
      assertThatThrownBy(() -> pipeline.generate(over(coarser), GenerationListener.silent()))
          .isInstanceOf(CheckpointException.class)
          .hasMessageStartingWith(first("wan").resolve("transformer/model.onnx") + ": ")
          .hasMessageContaining("row_positions: expected 1, found ")
          .hasMessageEndingWith("; export the model again");
    }
  }

  private static GenerationRequest over(StageConfig stages) {
    return GenerationRequest.of("a red ball")
        .withSize(new VideoSize(128, 128, 17, 8))
        .withSampling(
            SamplingChoice.open()
                .withSteps(stages.stages())
                .withGuidance(1)
                .withStages(StageChoice.of(stages)));
  }

  private static float[] floats(Path file) {
    try (TensorSource source = SafetensorsFile.open(file)) {
      return source.floats("latents");
    }
  }

  @Test
  void loraOfTheFirstFormat_saysItsStages() throws URISyntaxException {
    try (TensorSource lora = SafetensorsFile.open(first("lora.safetensors"))) {
      String header = lora.metadata().get(RecordJson.STAGES_HEADER);
      StageConfig stages =
          RecordJson.STAGES.parse(Objects.requireNonNull(header), RecordJson.STAGES_HEADER);
      assertThat(stages)
          .isEqualTo(
              StageConfig.pyramid(3, FrameResampling.sharedFirstFrame())
                  .withBoundaries(stages.boundaries()));
      assertThat(stages.boundaries()).hasSize(2);
    }
  }

  @Test
  void newerMinorVersion_isReadWithoutWhatItAdds() throws Exception {
    ModelDescription description =
        RecordJson.PIPELINE.read(first("wan").resolve(RecordJson.PIPELINE_FILE));
    ObjectNode tree = (ObjectNode) JSON.readTree(RecordJson.PIPELINE.format(description));
    String major = tree.path("version").asText().split("\\.", 2)[0];
    tree.put("version", major + ".99").putObject("weather").put("rain", true);
    Path file = written(tree);
    assertThat(RecordJson.PIPELINE.read(file)).isEqualTo(description);
  }

  @Test
  void newerMajorVersion_isRefusedByName() throws Exception {
    ModelDescription description =
        RecordJson.PIPELINE.read(first("wan").resolve(RecordJson.PIPELINE_FILE));
    ObjectNode tree = (ObjectNode) JSON.readTree(RecordJson.PIPELINE.format(description));
    Path file = written(tree.put("version", "99.0"));
    assertThatThrownBy(() -> RecordJson.PIPELINE.read(file))
        .isInstanceOf(CheckpointException.class)
        .hasMessageStartingWith(file + ": version: expected at most ")
        .hasMessageContaining("found 99.0");
  }

  private Path written(ObjectNode tree) throws IOException {
    return Files.writeString(folder.resolve(RecordJson.PIPELINE_FILE), tree.toString());
  }
}
