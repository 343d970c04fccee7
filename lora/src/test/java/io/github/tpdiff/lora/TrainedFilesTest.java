package io.github.tpdiff.lora;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tpdiff.runtime.diffusion.FrameResampling;
import io.github.tpdiff.runtime.diffusion.FrameResampling.Downsampling;
import io.github.tpdiff.runtime.diffusion.FrameResampling.Upsampling;
import io.github.tpdiff.runtime.diffusion.GridFactor;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.diffusion.PositionRules;
import io.github.tpdiff.runtime.diffusion.PositionRules.PositionRule;
import io.github.tpdiff.runtime.diffusion.SpaceResampling;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.model.CheckpointTemplate;
import io.github.tpdiff.runtime.model.ModelFamily;
import io.github.tpdiff.runtime.model.PipelineParts;
import io.github.tpdiff.runtime.model.RecordJson;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.runtime.pipeline.GenerationListener;
import io.github.tpdiff.runtime.pipeline.GenerationRequest;
import io.github.tpdiff.runtime.pipeline.LoraChoice;
import io.github.tpdiff.runtime.pipeline.ReadLoras;
import io.github.tpdiff.runtime.pipeline.SamplingChoice;
import io.github.tpdiff.runtime.pipeline.VideoPipeline;
import io.github.tpdiff.runtime.pipeline.VideoSize;
import io.github.tpdiff.runtime.torch.TorchEngine;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.lora.DoraPair;
import io.github.tpdiff.weights.lora.KroneckerFactor;
import io.github.tpdiff.weights.lora.KroneckerPair;
import io.github.tpdiff.weights.lora.LayerChange;
import io.github.tpdiff.weights.lora.LoraFormat;
import io.github.tpdiff.weights.lora.LoraPair;
import io.github.tpdiff.weights.lora.LoraWeights;
import io.github.tpdiff.weights.lora.LoraWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Several LoRAs at once, on a small model. */
class TrainedFilesTest {
  private static final int WIDTH = 96;
  private static final List<String> LAYERS =
      List.of("blocks.0.attn1.to_q", "blocks.0.attn2.to_k", "blocks.1.attn1.to_v");

  @TempDir private Path folder;

  private VideoModel open() {
    ModelFamily family =
        ModelFamily.all().stream()
            .filter(own -> own.templates().containsKey("wan-tiny"))
            .findFirst()
            .orElseThrow();
    Path checkpoint = folder.resolve("checkpoint");
    if (!checkpoint.toFile().exists()) {
      CheckpointTemplate tiny = requireNonNull(family.templates().get("wan-tiny"));
      tiny.write(
          new CheckpointTemplate.Order(
              checkpoint, DType.F32, tiny.defaultComponents(), (written, total) -> {}));
    }
    return family.open(checkpoint);
  }

  private LoraChoice lora(String name, int seed, double strength, Map<String, String> header) {
    var random = new Random(seed);
    var pairs = new java.util.TreeMap<String, LayerChange>();
    for (String layer : LAYERS) {
      pairs.put(layer, new LoraPair(2, 2, numbers(random), numbers(random)));
    }
    Path file = folder.resolve(name);
    LoraWriter.write(
        file,
        new LoraWeights("transformer", pairs, Map.of(), header),
        LoraFormat.DIFFUSERS,
        DType.F32);
    return new LoraChoice(file, Optional.of(strength), Optional.empty());
  }

  private static float[] numbers(Random random) {
    var values = new float[2 * WIDTH];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (0.2 * random.nextGaussian());
    }
    return values;
  }

  private static Latents generate(VideoModel model, TorchEngine engine) {
    var request =
        GenerationRequest.of("a red ball")
            .withSize(new VideoSize(32, 32, 5, 8))
            .withSampling(SamplingChoice.open().withSteps(2).withGuidance(1));
    return new VideoPipeline(PipelineParts.of(model, engine))
        .generate(request, GenerationListener.silent())
        .latents();
  }

  private static double apart(Latents one, Latents other) {
    double largest = 0;
    for (int i = 0; i < one.data().length; i++) {
      largest = Math.max(largest, Math.abs(one.data()[i] - other.data()[i]));
    }
    return largest;
  }

  @Test
  void severalLorasOnTheSameLayers_addUpWithTheirStrengths_besideAsMerged() {
    LoraChoice one = lora("one.safetensors", 1, 0.5, Map.of());
    LoraChoice two = lora("two.safetensors", 2, -0.25, Map.of());
    try (VideoModel model = open();
        var engine = TorchEngine.cpu()) {
      Latents bare = generate(model, engine);
      Latents first = generate(put(List.of(one), model, true), engine);
      Latents both = generate(put(List.of(one, two), model, true), engine);
      assertThat(apart(bare, first)).isGreaterThan(1e-3);
      assertThat(apart(first, both)).isGreaterThan(1e-3);
      assertThat(apart(both, generate(put(List.of(one, two), model, false), engine)))
          .isLessThan(1e-4);
      assertThat(apart(both, generate(put(List.of(two, one), model, true), engine)))
          .isLessThan(1e-4);
    }
  }

  /** Which do not add up: each is of the weights that those before it left. */
  @Test
  void severalKindsOnTheSameLayers_areOneAfterTheOther_besideAsMerged() {
    var random = new Random(5);
    var doras = new java.util.TreeMap<String, LayerChange>();
    var lokrs = new java.util.TreeMap<String, LayerChange>();
    for (String layer : LAYERS) {
      var magnitude = new float[WIDTH];
      java.util.Arrays.fill(magnitude, 1.5f);
      doras.put(
          layer, new DoraPair(new LoraPair(2, 2, numbers(random), numbers(random)), magnitude));
      lokrs.put(
          layer,
          KroneckerPair.ofScale(
              KroneckerFactor.full(2, 1, new float[] {0.5f, -0.5f}),
              new KroneckerFactor(WIDTH / 2, WIDTH, 2, half(numbers(random)), numbers(random)),
              1));
    }
    LoraChoice lora = lora("lora.safetensors", 1, 0.5, Map.of());
    LoraChoice dora = file("dora.safetensors", doras);
    LoraChoice lokr = file("lokr.safetensors", lokrs);
    try (VideoModel model = open();
        var engine = TorchEngine.cpu()) {
      for (List<LoraChoice> several : List.of(List.of(lora, dora), List.of(dora, lora, lokr))) {
        Latents beside = generate(put(several, model, true), engine);
        assertThat(apart(beside, generate(put(several.subList(0, 1), model, true), engine)))
            .isGreaterThan(1e-3);
        assertThat(apart(beside, generate(put(several, model, false), engine))).isLessThan(1e-4);
      }
    }
  }

  private static float[] half(float[] values) {
    return java.util.Arrays.copyOf(values, values.length / 2);
  }

  private LoraChoice file(String name, Map<String, LayerChange> layers) {
    Path file = folder.resolve(name);
    LoraWriter.write(
        file, new LoraWeights("transformer", layers, Map.of()), LoraFormat.COMFYUI, DType.F32);
    return new LoraChoice(file, Optional.empty(), Optional.empty());
  }

  private static VideoModel put(List<LoraChoice> loras, VideoModel model, boolean beside) {
    TrainedFiles files = TrainedFiles.read(Optional.empty(), loras);
    ReadLoras.Notes notes = (file, tensors) -> assertThat(tensors).isEmpty();
    return beside ? files.beside(model, notes) : files.merged(model, notes);
  }

  @Test
  void lorasOfDifferentStages_areRefusedByName() {
    FrameResampling shared = FrameResampling.sharedFirstFrame();
    LoraChoice three = lora("three.safetensors", 1, 1, stages(StageConfig.pyramid(3, shared)));
    LoraChoice two = lora("two.safetensors", 2, 1, stages(StageConfig.pyramid(2, shared)));
    LoraChoice free = lora("free.safetensors", 3, 1, Map.of());
    assertThatThrownBy(() -> TrainedFiles.read(Optional.empty(), List.of(free, three, two)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("three.safetensors was trained for stages with rates [2, 2]")
        .hasMessageContaining("two.safetensors for stages with rates [2]");
    try (VideoModel model = open()) {
      assertThat(put(List.of(free, three), model, true).trainedStages())
          .hasValueSatisfying(own -> assertThat(own.rates()).isEqualTo(GridFactor.ofTimes(2, 2)));
    }
  }

  @Test
  void lorasThatDifferInWhatStagesReach_areToldApart() {
    StageConfig latent =
        StageConfig.of(List.of(GridFactor.cube(2)), FrameResampling.sharedFirstFrame());
    StageConfig pixel =
        latent
            .withTargets(StageConfig.Targets.PIXEL)
            .withPositions(PositionRules.all(PositionRule.NATIVE));
    LoraChoice one = lora("one.safetensors", 1, 1, stages(latent));
    LoraChoice other = lora("other.safetensors", 2, 1, stages(pixel));
    assertThatThrownBy(() -> TrainedFiles.read(Optional.empty(), List.of(one, other)))
        .hasMessageContaining(
            "one.safetensors was trained for stages with rates [[2, 2, 2]], boundaries of the"
                + " schedule, targets latent, positions scaled, ")
        .hasMessageContaining(
            "other.safetensors for stages with rates [[2, 2, 2]], boundaries of the schedule,"
                + " targets pixel, positions native;")
        .hasMessageNotContaining("\n");
    assertThat(TrainedFiles.read(Optional.empty(), List.of(one, one))).isNotNull();
  }

  /** A plan says the same whichever tool's names a LoRA is written in. */
  @ParameterizedTest
  @EnumSource(names = {"DIFFUSERS", "PEFT", "COMFYUI", "KOHYA"})
  void stagesOfALora_areInTheFileOfEveryFormat(LoraFormat format) {
    StageConfig stages =
        StageConfig.of(
                List.of(new GridFactor(2, 2, 2), new GridFactor(1, 2, 2)),
                FrameResampling.sharedFirstFrame())
            .withBoundaries(List.of(0.8, 0.5))
            .withSpace(new SpaceResampling(Downsampling.STRIDE, Upsampling.LINEAR))
            .withTargets(StageConfig.Targets.PIXEL)
            .withPositions(
                new PositionRules(PositionRule.SCALED, PositionRule.NATIVE, PositionRule.NATIVE));
    var random = new Random(1);
    var pairs = new java.util.TreeMap<String, LayerChange>();
    LAYERS.forEach(layer -> pairs.put(layer, new LoraPair(2, 2, numbers(random), numbers(random))));
    Path file = folder.resolve("lora.safetensors");
    LoraWriter.write(
        file, new LoraWeights("transformer", pairs, Map.of(), stages(stages)), format, DType.F32);
    try (VideoModel model = open()) {
      VideoModel tuned = put(List.of(LoraChoice.of(file)), model, true);
      assertThat(tuned.trainedStages()).contains(stages);
    }
  }

  /**
   * As diffusers does: of 24 layers of a Wan 2.1 image-to-video LoRA, Wan 2.2 takes the other 20.
   */
  @Test
  void attentionToAPicturesTokens_isLeftOutOfAModelThatHasNone_andSaid() {
    LoraChoice text = lora("text.safetensors", 1, 1, Map.of());
    var pairs = new java.util.TreeMap<String, LayerChange>();
    var random = new Random(1);
    LAYERS.forEach(layer -> pairs.put(layer, new LoraPair(2, 2, numbers(random), numbers(random))));
    pairs.put("blocks.0.attn2.add_k_proj", new LoraPair(2, 2, numbers(random), numbers(random)));
    Path file = folder.resolve("image.safetensors");
    LoraWriter.write(
        file, new LoraWeights("transformer", pairs, Map.of()), LoraFormat.DIFFUSERS, DType.F32);
    var said = new java.util.ArrayList<String>();
    try (VideoModel model = open();
        var engine = TorchEngine.cpu()) {
      VideoModel changed =
          TrainedFiles.read(Optional.empty(), List.of(LoraChoice.of(file)))
              .beside(model, (path, tensors) -> said.addAll(tensors));
      assertThat(said).containsExactly("blocks.0.attn2.add_k_proj.weight");
      assertThat(
              apart(generate(put(List.of(text), model, true), engine), generate(changed, engine)))
          .isEqualTo(0);
    }
  }

  private static Map<String, String> stages(StageConfig stages) {
    return Map.of(RecordJson.STAGES_HEADER, RecordJson.STAGES.format(stages));
  }
}
