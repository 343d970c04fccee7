package io.github.tpdiff.runtime.onnx;

import static org.assertj.core.api.Assertions.assertThat;

import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.StringStringEntryProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.tpdiff.runtime.diffusion.FrameResampling;
import io.github.tpdiff.runtime.diffusion.GridFactor;
import io.github.tpdiff.runtime.diffusion.PositionRules;
import io.github.tpdiff.runtime.diffusion.PositionRules.PositionRule;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.diffusion.StageConfig.Targets;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.FloatCodec;
import io.github.tpdiff.weights.MemoryTensors;
import io.github.tpdiff.weights.TensorInfo;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What an exported folder says of itself. */
final class FolderGuideTest {
  private static final StageConfig STAGES =
      StageConfig.pyramid(3, FrameResampling.sharedFirstFrame());

  @TempDir private Path folder;

  private Path export() throws IOException {
    return export(STAGES);
  }

  private Path export(StageConfig stages) throws IOException {
    Path tokenizer = Files.createDirectory(folder.resolve("tokens"));
    Files.writeString(tokenizer.resolve("tokenizer.json"), "{}");
    Path target = folder.resolve("exported");
    var tensors =
        MemoryTensors.builder()
            .add(new TensorInfo("denoise.weight", DType.F32, List.of(2L, 2L)), identity())
            .add(new TensorInfo("condition.weight", DType.F32, List.of(2L, 2L)), identity())
            .build();
    try (var model = TinyModel.of(tensors, tokenizer)) {
      ExportedFolder.write(model, target, ExportRequest.of(stages));
    }
    return target;
  }

  private static ByteBuffer identity() {
    var bytes = ByteBuffer.allocateDirect(16).order(ByteOrder.LITTLE_ENDIAN);
    FloatCodec.encode(FloatBuffer.wrap(new float[] {1, 0, 0, 1}), DType.F32, bytes);
    return bytes.flip();
  }

  @Test
  void defaultsThatDoNotDivide_giveWayToTheNextThatDo() throws IOException {
    // 5 frames are 2 latent frames and there are 2 steps; three stages by two take 1 + 4n and 3.
    JsonNode guide = new ObjectMapper().readTree(export().resolve(SamplingGuide.FILE).toFile());
    assertThat(guide.path("version").asText()).isEqualTo("1.3");
    assertThat(guide.at("/defaults/frames").asInt()).isEqualTo(17);
    assertThat(guide.at("/defaults/steps").asInt()).isEqualTo(3);
    assertThat(guide.at("/stages/0/positions").toString()).isEqualTo("[0,4]");
    assertThat(guide.at("/stages/1/positions").toString()).isEqualTo("[0,2,4]");
    // The boundary 6/7 of 3u / (1 + 2u) at 2/3; noise repels in pairs after the first frame.
    assertThat(guide.at("/stages/1/start").asDouble()).isCloseTo(6.0 / 7, rounding());
    double variance = 36.0 / 49;
    JsonNode covariance = guide.at("/stages/1/entry/noise_covariance");
    assertThat(covariance.at("/1/1").asDouble()).isCloseTo(variance / 2, rounding());
    assertThat(covariance.at("/1/2").asDouble()).isCloseTo(-variance / 2, rounding());
    assertThat(covariance.at("/0/1").asDouble()).isZero();
  }

  @Test
  void stagesOverSpace_areSaidAtTheSmallestSizeThatDivides() throws IOException {
    // A token of 16 pixels is the smallest side, so that half of one takes 32.
    var half = new PositionRules(PositionRule.SCALED, PositionRule.NATIVE, PositionRule.SCALED);
    Path target =
        export(
            StageConfig.of(List.of(new GridFactor(1, 2, 2)), FrameResampling.sharedFirstFrame())
                .withPositions(half));
    JsonNode guide = new ObjectMapper().readTree(target.resolve(SamplingGuide.FILE).toFile());
    assertThat(guide.at("/defaults/latent_shape").toString()).isEqualTo("[1,1,2,4,4]");
    assertThat(guide.at("/defaults/height").asInt()).isEqualTo(32);
    assertThat(guide.at("/stages/0/latent_shape").toString()).isEqualTo("[1,1,2,2,2]");
    assertThat(guide.at("/stages/0/position_strides").toString())
        .isEqualTo("{\"time\":1,\"height\":1,\"width\":2}");
    // Repeated to blocks of four, whose noise has nothing left of what they share: s^2 - 4 kept.
    JsonNode entry = guide.at("/stages/1/entry");
    assertThat(entry.at("/variance").asDouble())
        .isCloseTo(4 * entry.at("/kept").asDouble(), rounding());
    assertThat(entry.at("/upsampling").toString()).isEqualTo("[[1.0,0.0],[0.0,1.0]]");
    assertThat(entry.has("noise_factor")).isFalse();
    assertThat(guide.at("/stages/1/dropped_drift").asDouble())
        .isCloseTo(-1 / guide.at("/stages/1/start").asDouble(), rounding());
    assertThat(Files.readString(target.resolve(FolderGuide.README)))
        .contains("in 2 stages that rise in height from 1/2, width from 1/2");
  }

  @Test
  void stagesOfSmallerVideos_doNotSayWhatNoiseIsRenewedBy() throws IOException {
    Path target = export(STAGES.withTargets(Targets.PIXEL));
    JsonNode guide = new ObjectMapper().readTree(target.resolve(SamplingGuide.FILE).toFile());
    assertThat(guide.at("/pyramid/targets").asText()).isEqualTo("pixel");
    assertThat(guide.at("/stages/1").has("drift")).isFalse();
    assertThat(Files.readString(target.resolve(FolderGuide.README)))
        .contains("A stage's clean latents are those of a smaller video");
  }

  private static Offset<Double> rounding() {
    return Offset.offset(1e-12);
  }

  @Test
  void graphs_sayWhatTheyAreAndWhatTheyRead() throws IOException {
    Path target = export();
    ModelProto conditioning =
        GraphFile.read(target.resolve("transformer").resolve("conditioning.onnx")).model();
    assertThat(conditioning.getDocString()).startsWith("transformer/conditioning of a tiny model");
    Map<String, String> properties = new HashMap<>();
    for (StringStringEntryProto property : conditioning.getMetadataPropsList()) {
      properties.put(property.getKey(), property.getValue());
    }
    assertThat(properties)
        .containsEntry("component", "transformer/conditioning")
        .containsEntry("family", "tiny")
        .containsEntry("runs", "prompt")
        .containsEntry("precision", "keep")
        .containsEntry("version", "1.3")
        .containsEntry("reads", "encoder_hidden_states=encoder_hidden_states")
        .containsEntry("writes", "context=context");
    ModelProto denoiser =
        GraphFile.read(target.resolve("transformer").resolve("model.onnx")).model();
    Map<String, String> meanings = new HashMap<>();
    for (ValueInfoProto value : denoiser.getGraph().getInputList()) {
      meanings.put(value.getName(), value.getDocString());
    }
    assertThat(meanings.get("hidden_states"))
        .startsWith("f32 [batch, tokens, 2]: noisy latents, normalised")
        .contains("N(0, 1)");
    assertThat(meanings.get("context"))
        .endsWith("the output of the same name of transformer/conditioning");
    assertThat(denoiser.getGraph().getOutput(0).getDocString()).contains("prediction_scale");
  }

  @Test
  void page_namesEveryGraphAndLeavesNothingOpen() throws IOException {
    String page = Files.readString(export().resolve(FolderGuide.README));
    assertThat(page)
        .doesNotContain("{{")
        .contains("(transformer/model.onnx)", "(transformer/conditioning.onnx)")
        .contains("There is no decoder in this folder.");
  }
}
