package io.github.tpdiff.adapters.miniflux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.diffusion.NoiseSource;
import io.github.tpdiff.runtime.diffusion.StageChoice;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.diffusion.StageGrid;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.model.CheckpointTemplate;
import io.github.tpdiff.runtime.model.ConditionedNetwork;
import io.github.tpdiff.runtime.model.Conditions;
import io.github.tpdiff.runtime.model.DenoiserSession;
import io.github.tpdiff.runtime.model.ModelDescription;
import io.github.tpdiff.runtime.model.ModelRequest;
import io.github.tpdiff.runtime.model.PipelineParts;
import io.github.tpdiff.runtime.model.PromptEncoder;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.runtime.onnx.ExportRequest;
import io.github.tpdiff.runtime.onnx.ExportedFolder;
import io.github.tpdiff.runtime.onnx.OnnxDevice;
import io.github.tpdiff.runtime.onnx.OnnxEngine;
import io.github.tpdiff.runtime.pipeline.GenerationListener;
import io.github.tpdiff.runtime.pipeline.GenerationRequest;
import io.github.tpdiff.runtime.pipeline.VideoPipeline;
import io.github.tpdiff.runtime.pipeline.VideoSize;
import io.github.tpdiff.runtime.reference.ReferenceEngine;
import io.github.tpdiff.runtime.torch.TorchEngine;
import io.github.tpdiff.weights.DType;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The tiny checkpoint from prompt to latents, on every engine. */
class MiniFluxPipelineTest {
  @TempDir private static Path folder;
  private static Path checkpoint;

  @BeforeAll
  static void writeCheckpoint() {
    checkpoint = folder.resolve("miniflux");
    MiniFluxTemplates.tiny()
        .write(
            new CheckpointTemplate.Order(
                checkpoint,
                DType.F32,
                MiniFluxTemplates.tiny().components(),
                (written, total) -> {}));
  }

  private static VideoModel open(Map<String, String> settings) {
    return new MiniFluxFamily().open(new ModelRequest(checkpoint, Map.of(), settings));
  }

  private static float[] latents(PipelineParts parts, int stages) {
    ModelDescription model = parts.description();
    var asked = GenerationRequest.of("a red ball").withSize(new VideoSize(32, 48, 33, 24));
    var sampling =
        asked
            .sampling()
            .withSteps(3)
            .withStages(StageChoice.of(StageConfig.pyramid(stages, model.latents().resampling())));
    var video =
        new VideoPipeline(parts)
            .generate(asked.withSampling(sampling).of(model), GenerationListener.silent());
    assertThat(video.latents().shape()).isEqualTo(new LatentShape(1, 16, 5, 4, 6));
    return video.latents().data();
  }

  /** The exact engine is the oracle; fp32 engines differ from it by rounding. */
  @ParameterizedTest
  @ValueSource(ints = {1, 3})
  void latents_areThoseOfTheExactEngine(int stages) {
    Path export = folder.resolve("export-" + stages);
    try (VideoModel model = open(Map.of());
        var reference = new ReferenceEngine();
        var torch = TorchEngine.cpu();
        var onnx = OnnxEngine.on(OnnxDevice.CPU)) {
      StageConfig plan = StageConfig.pyramid(stages, model.description().latents().resampling());
      ExportedFolder.write(model, export, ExportRequest.of(plan));
      float[] exact = latents(PipelineParts.of(model, reference), stages);
      assertThat(latents(PipelineParts.of(model, torch), stages))
          .containsExactly(exact, within(1e-4f));
      try (var parts = ExportedFolder.open(export, onnx)) {
        assertThat(latents(parts, stages)).containsExactly(exact, within(1e-4f));
      }
    }
  }

  /** What stands where a prompt has ended: ids of T5, its states, are not seen. */
  @ParameterizedTest
  @ValueSource(strings = {"full", "causal"})
  void prediction_doesNotSeeWhatPaddingHolds(String attention) {
    try (VideoModel model = open(Map.of("attention", attention));
        var engine = new ReferenceEngine();
        var parts = PipelineParts.of(model, engine);
        var prompts = PromptEncoder.open(parts)) {
      Map<String, Tensor> prompt = prompts.encode("a red ball");
      var real = new Conditions(model.description().flow(), prompt);
      String mask = model.description().flow().texts().get(1).mask();
      int valid = realTokens(Objects.requireNonNull(prompt.get(mask)));
      float[] as = predict(parts, real);
      assertThat(predict(parts, real.with(Map.of("encoder_hidden_states", changed(prompt, valid)))))
          .containsExactly(as, within(1e-6f));
      assertThat(
              predict(
                  parts, real.with(Map.of("encoder_hidden_states", changed(prompt, valid - 1)))))
          .isNotEqualTo(as);
    }
  }

  private static int realTokens(Tensor mask) {
    int all = (int) mask.elementCount();
    int valid = 0;
    for (int i = 0; i < all; i++) {
      valid += (int) mask.longs().get(i);
    }
    assertThat(valid).isBetween(1, all - 1);
    return valid;
  }

  /** Other states from row {@code first} on. */
  private static Tensor changed(Map<String, Tensor> prompt, int first) {
    Tensor states = Objects.requireNonNull(prompt.get("encoder_hidden_states"));
    float[] values = states.toFloatArray();
    int width = (int) states.shape()[2];
    Arrays.fill(values, first * width, values.length, 3);
    return Tensor.ofFloats(values, states.shape());
  }

  private static float[] predict(PipelineParts parts, Conditions conditions) {
    try (var network =
        ConditionedNetwork.inTurn(
            DenoiserSession.of(parts, MiniFluxFlow.TRANSFORMER),
            MiniFluxFlow.TRANSFORMER,
            List.of(conditions))) {
      var noise = NoiseSource.seeded(2).draw(new LatentShape(1, 16, 3, 4, 4));
      return network.predict(noise, 500, StageGrid.full(noise.shape().grid())).get(0).data();
    }
  }

  @Test
  void textEncoder_doesNotSeeTheIdsOfPadding() {
    try (VideoModel model = open(Map.of());
        var engine = new ReferenceEngine()) {
      var t5 = model.require(MiniFluxFlow.T5);
      Map<String, Tensor> inputs = new HashMap<>();
      inputs.put("attention_mask", Tensor.ofLongs(new long[] {1, 1, 1, 0, 0}, 1, 5));
      try (var encoder = engine.load(t5.program(), t5.weights())) {
        inputs.put("input_ids", Tensor.ofLongs(new long[] {4, 5, 1, 0, 0}, 1, 5));
        float[] padded = seen(encoder.run(inputs));
        inputs.put("input_ids", Tensor.ofLongs(new long[] {4, 5, 1, 7, 6}, 1, 5));
        assertThat(seen(encoder.run(inputs))).containsExactly(padded, within(1e-6f));
      }
    }
  }

  private static float[] seen(Map<String, Tensor> outputs) {
    Tensor states = Objects.requireNonNull(outputs.get("last_hidden_state"));
    return Arrays.copyOf(states.toFloatArray(), 3 * (int) states.shape()[2]);
  }

  /** Frames see those before alone, so that the first does not change with the last. */
  @Test
  void causalAttention_isASetting() {
    assertThat(firstFrameMoves("causal")).isFalse();
    assertThat(firstFrameMoves("full")).isTrue();
  }

  private static boolean firstFrameMoves(String attention) {
    try (VideoModel model = open(Map.of("attention", attention));
        var engine = new ReferenceEngine();
        var parts = PipelineParts.of(model, engine);
        var network =
            ConditionedNetwork.inTurn(
                DenoiserSession.of(parts, MiniFluxFlow.TRANSFORMER),
                MiniFluxFlow.TRANSFORMER,
                List.of(
                    Conditions.noise(
                        model.description().flow(), new LatentShape(1, 16, 3, 4, 4))))) {
      var shape = new LatentShape(1, 16, 3, 4, 4);
      var noise = NoiseSource.seeded(2).draw(shape);
      float[] before =
          frame(network.predict(noise, 500, StageGrid.full(noise.shape().grid())).get(0).data());
      float[] values = noise.data().clone();
      for (int i = 0; i < values.length; i++) {
        values[i] += i / 16 % 3 == 2 ? 1 : 0;
      }
      var other = Latents.of(shape, values);
      float[] after =
          frame(network.predict(other, 500, StageGrid.full(shape.grid())).get(0).data());
      return difference(before, after) > 1e-5;
    }
  }

  /** The first frame of [16, 3, 4, 4]. */
  private static float[] frame(float[] values) {
    var first = new float[16 * 16];
    for (int c = 0; c < 16; c++) {
      System.arraycopy(values, c * 48, first, c * 16, 16);
    }
    return first;
  }

  private static double difference(float[] a, float[] b) {
    double most = 0;
    for (int i = 0; i < a.length; i++) {
      most = Math.max(most, Math.abs(a[i] - b[i]));
    }
    return most;
  }
}
