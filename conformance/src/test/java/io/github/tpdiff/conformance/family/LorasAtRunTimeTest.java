package io.github.tpdiff.conformance.family;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tpdiff.lora.TrainedFiles;
import io.github.tpdiff.runtime.diffusion.FrameResampling;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.engine.Executable;
import io.github.tpdiff.runtime.model.CheckpointTemplate;
import io.github.tpdiff.runtime.model.ForwardingParts;
import io.github.tpdiff.runtime.model.ModelFamily;
import io.github.tpdiff.runtime.model.PipelineParts;
import io.github.tpdiff.runtime.model.RecordJson;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.runtime.onnx.ExportRequest;
import io.github.tpdiff.runtime.onnx.ExportRequest.Loras;
import io.github.tpdiff.runtime.onnx.ExportedFolder;
import io.github.tpdiff.runtime.onnx.OnnxDevice;
import io.github.tpdiff.runtime.onnx.OnnxEngine;
import io.github.tpdiff.runtime.onnx.OnnxFlavour;
import io.github.tpdiff.runtime.onnx.Precision;
import io.github.tpdiff.runtime.onnx.Precisions;
import io.github.tpdiff.runtime.pipeline.GeneratedVideo;
import io.github.tpdiff.runtime.pipeline.GenerationListener;
import io.github.tpdiff.runtime.pipeline.GenerationRequest;
import io.github.tpdiff.runtime.pipeline.LoraChoice;
import io.github.tpdiff.runtime.pipeline.ReadLoras;
import io.github.tpdiff.runtime.pipeline.SamplingChoice;
import io.github.tpdiff.runtime.pipeline.VideoPipeline;
import io.github.tpdiff.runtime.pipeline.VideoSize;
import io.github.tpdiff.runtime.serving.ModelOpener;
import io.github.tpdiff.runtime.serving.ServiceSetup;
import io.github.tpdiff.runtime.serving.VideoOrder;
import io.github.tpdiff.runtime.serving.VideoService;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.lora.DoraPair;
import io.github.tpdiff.weights.lora.FullChange;
import io.github.tpdiff.weights.lora.LayerChange;
import io.github.tpdiff.weights.lora.LoraFormat;
import io.github.tpdiff.weights.lora.LoraPair;
import io.github.tpdiff.weights.lora.LoraWeights;
import io.github.tpdiff.weights.lora.LoraWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * LoRAs put on an export when it runs, against exports that have them in their weights: these go
 * through other code, which adds products to weights.
 */
class LorasAtRunTimeTest {
  /** Of the largest latent: fp32 sums in another order. */
  private static final double ROUNDING = 1e-5;

  private static final int WIDTH = 96;
  private static final List<String> LAYERS =
      List.of("blocks.0.attn1.to_q", "blocks.0.attn2.to_k", "blocks.1.attn1.to_v");

  private @TempDir Path folder = Path.of("");
  private Path checkpoint = Path.of("");

  @BeforeEach
  void writeCheckpoint() {
    checkpoint = folder.resolve("checkpoint");
    CheckpointTemplate tiny = requireNonNull(family().templates().get("wan-tiny"));
    tiny.write(
        new CheckpointTemplate.Order(
            checkpoint, DType.F32, tiny.defaultComponents(), (written, total) -> {}));
  }

  private static ModelFamily family() {
    return ModelFamily.all().stream()
        .filter(own -> own.templates().containsKey("wan-tiny"))
        .findFirst()
        .orElseThrow();
  }

  private Path export(ExportRequest request, List<LoraChoice> merged) {
    Path target = folder.resolve("export" + folder.toFile().list().length);
    try (VideoModel model =
        TrainedFiles.read(Optional.empty(), merged)
            .merged(family().open(checkpoint), ReadLoras.Notes.none())) {
      ExportedFolder.write(model, target, request);
    }
    return target;
  }

  private static ExportRequest open() {
    return ExportRequest.asTrained().withLoras(Loras.AT_RUN_TIME);
  }

  private static GenerationRequest request() {
    return GenerationRequest.of("a red ball")
        .withSize(new VideoSize(32, 32, 5, 8))
        .withSampling(SamplingChoice.open().withSteps(2).withGuidance(3));
  }

  private static Latents generate(Path exported, List<LoraChoice> loras) {
    try (OnnxEngine engine = OnnxEngine.on(OnnxDevice.CPU);
        PipelineParts parts = ExportedFolder.opener(exported, engine).open(loras)) {
      return new VideoPipeline(parts).generate(request(), GenerationListener.silent()).latents();
    }
  }

  /** The largest difference, of the largest value. */
  private static double apart(Latents one, Latents other) {
    double largest = 0;
    double difference = 0;
    for (int i = 0; i < one.data().length; i++) {
      largest = Math.max(largest, Math.abs(one.data()[i]));
      difference = Math.max(difference, Math.abs(one.data()[i] - other.data()[i]));
    }
    return difference / largest;
  }

  private LoraChoice lora(String name, int seed, int rank, double strength) {
    return write(name, weights(seed, rank, Map.of()), LoraFormat.DIFFUSERS, strength);
  }

  private static LoraWeights weights(int seed, int rank, Map<String, String> header) {
    var random = new Random(seed);
    var pairs = new TreeMap<String, LayerChange>();
    LAYERS.forEach(layer -> pairs.put(layer, pair(random, rank)));
    return new LoraWeights("transformer", pairs, Map.of(), header);
  }

  private static LoraPair pair(Random random, int rank) {
    return new LoraPair(rank, 2, numbers(random, rank * WIDTH), numbers(random, rank * WIDTH));
  }

  private static float[] numbers(Random random, int count) {
    var values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) (0.2 * random.nextGaussian());
    }
    return values;
  }

  private LoraChoice write(String name, LoraWeights weights, LoraFormat format, double strength) {
    Path file = folder.resolve(name);
    LoraWriter.write(file, weights, format, DType.F32);
    return new LoraChoice(file, Optional.of(strength), Optional.empty());
  }

  @ParameterizedTest
  @EnumSource
  void oneExport_runsWithNone_oneOrSeveralLoras_asIfTheyWereInItsWeights(OnnxFlavour flavour) {
    LoraChoice one = lora("one.safetensors", 1, 2, 0.5);
    LoraChoice two = lora("two.safetensors", 2, 5, -0.25);
    Path exported = export(open().withFlavour(flavour), List.of());
    var merged = ExportRequest.asTrained().withFlavour(flavour);
    Latents bare = generate(exported, List.of());
    assertThat(apart(generate(export(merged, List.of()), List.of()), bare)).isLessThan(ROUNDING);
    for (List<LoraChoice> loras : List.of(List.of(one), List.of(one, two))) {
      Latents wanted = generate(export(merged, loras), List.of());
      assertThat(apart(wanted, bare)).isGreaterThan(1e-2);
      assertThat(apart(wanted, generate(exported, loras))).isLessThan(ROUNDING);
    }
    try (OnnxEngine engine = OnnxEngine.on(OnnxDevice.CPU);
        ExportedFolder parts = ExportedFolder.open(exported, engine)) {
      parts.check();
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"PEFT", "COMFYUI", "KOHYA"})
  void filesOfOtherTools_giveWhatOursGives(LoraFormat format) {
    LoraChoice own = lora("own.safetensors", 1, 2, 1);
    LoraChoice other = write("other.safetensors", weights(1, 2, Map.of()), format, 1);
    Path exported = export(open(), List.of());
    assertThat(apart(generate(exported, List.of(own)), generate(exported, List.of(other))))
        .isZero();
  }

  /**
   * As distilled LoRAs have them; and a product of a convolution, which becomes one of its weight.
   */
  @Test
  void biasesNormsTablesAndConvolutions_areReplacedByChangedOnes() {
    var random = new Random(3);
    var full = new TreeMap<String, FullChange>();
    var layers = new TreeMap<String, LayerChange>();
    try (VideoModel model = family().open(checkpoint)) {
      var known = model.require("transformer").weights();
      for (String tensor :
          List.of(
              "blocks.0.attn1.to_q.bias",
              "blocks.1.attn1.norm_q.weight",
              "blocks.0.scale_shift_table",
              "proj_out.weight")) {
        int count = Math.toIntExact(known.require(tensor).elementCount());
        full.put(tensor, new FullChange(known.require(tensor).shape(), numbers(random, count)));
      }
      List<Long> patch = known.require("patch_embedding.weight").shape();
      int in = (int) patch.stream().skip(1).reduce(1L, Math::multiplyExact).longValue();
      layers.put(
          "patch_embedding",
          new LoraPair(2, 1, numbers(random, 2 * in), numbers(random, 2 * WIDTH))
              .withKernel(patch.subList(2, 5)));
    }
    layers.put("blocks.0.attn1.to_q", pair(random, 2));
    var weights = new LoraWeights("transformer", layers, full, Map.of());
    LoraChoice lora = write("distilled.safetensors", weights, LoraFormat.COMFYUI, 0.5);
    Latents wanted = generate(export(ExportRequest.asTrained(), List.of(lora)), List.of());
    Path exported = export(open(), List.of());
    assertThat(apart(wanted, generate(exported, List.of()))).isGreaterThan(1e-2);
    assertThat(apart(wanted, generate(exported, List.of(lora)))).isLessThan(ROUNDING);
  }

  /** As near to fp32 as an export of that precision is that has the LoRA in its weights. */
  @ParameterizedTest
  @EnumSource(names = {"FP16", "BF16", "INT8", "FP8"})
  void otherPrecisions_takeLorasAsNearly(Precision precision) {
    LoraChoice lora = lora("lora.safetensors", 1, 2, 1);
    Latents exact = generate(export(ExportRequest.asTrained(), List.of(lora)), List.of());
    Precisions all = Precisions.all(precision);
    Path merged = export(ExportRequest.asTrained().withPrecisions(all), List.of(lora));
    Path exported = export(open().withPrecisions(all), List.of());
    double error = apart(exact, generate(exported, List.of(lora)));
    assertThat(error).isLessThan(2 * apart(exact, generate(merged, List.of())));
    assertThat(apart(exact, generate(exported, List.of()))).isGreaterThan(1e-1);
  }

  @Test
  void stagesThatALoraWasTrainedFor_areThoseOfTheExportWithIt() {
    StageConfig stages =
        StageConfig.pyramid(2, FrameResampling.sharedFirstFrame())
            .withBoundaries(List.of(0.5))
            .withStepSplit(List.of(1, 3));
    Map<String, String> header = Map.of(RecordJson.STAGES_HEADER, RecordJson.STAGES.format(stages));
    LoraChoice staged = write("a.safetensors", weights(1, 2, header), LoraFormat.DIFFUSERS, 1);
    LoraChoice free = lora("b.safetensors", 2, 2, 1);
    Path exported = export(open(), List.of());
    try (OnnxEngine engine = OnnxEngine.on(OnnxDevice.CPU)) {
      ModelOpener opener = ExportedFolder.opener(exported, engine);
      assertThat(opener.open(List.of(staged, free)).madeFor()).contains(stages);
      assertThat(opener.open(List.of(free)).madeFor())
          .hasValueSatisfying(own -> assertThat(own.stages()).isEqualTo(1));
    }
  }

  /** Loaded components by the name that they were asked by. */
  private record Counting(ModelOpener opener, List<String> loaded) implements ModelOpener {
    @Override
    public PipelineParts open(List<LoraChoice> loras) {
      return new ForwardingParts(opener.open(loras)) {
        @Override
        public Executable load(String component) {
          loaded.add(component);
          return super.load(component);
        }
      };
    }
  }

  @Test
  void service_switchesLoras_withoutLoadingAnythingAgain() {
    LoraChoice one = lora("one.safetensors", 1, 2, 1);
    LoraChoice two = lora("two.safetensors", 2, 5, 1);
    Path exported = export(open(), List.of());
    var loaded = new ArrayList<String>();
    try (OnnxEngine engine = OnnxEngine.on(OnnxDevice.CPU)) {
      Map<String, ModelOpener> models =
          Map.of("ball", new Counting(ExportedFolder.opener(exported, engine), loaded));
      try (VideoService service =
          VideoService.open(ServiceSetup.of(models).withLoras(Map.of("one", one, "two", two)))) {
        VideoOrder order = VideoOrder.of("ball", request());
        Latents bare = made(service, order);
        int once = loaded.size();
        assertThat(loaded).contains("transformer", "transformer/conditioning");
        assertThat(apart(generate(exported, List.of(one)), made(service, order.withLoras("one"))))
            .isZero();
        assertThat(apart(generate(exported, List.of(two)), made(service, order.withLoras("two"))))
            .isZero();
        assertThat(apart(bare, made(service, order))).isZero();
        assertThat(loaded).hasSize(once);
      }
    }
  }

  private static Latents made(VideoService service, VideoOrder order) {
    return service.submit(order, GeneratedVideo::latents).result().join();
  }

  @Test
  void whatCannotBePutOn_isRefusedInALine() {
    var random = new Random(5);
    var magnitude = new float[WIDTH];
    java.util.Arrays.fill(magnitude, 1.5f);
    LoraChoice dora =
        write(
            "dora.safetensors",
            of("blocks.0.attn1.to_q", new DoraPair(pair(random, 2), magnitude)),
            LoraFormat.COMFYUI,
            1);
    LoraChoice narrow =
        write(
            "narrow.safetensors",
            of("blocks.0.attn1.to_q", new LoraPair(1, 1, new float[8], new float[WIDTH])),
            LoraFormat.DIFFUSERS,
            1);
    LoraChoice other =
        write("other.safetensors", of("blocks.7.attn1.to_q", pair(random, 2)), LoraFormat.PEFT, 1);
    Path exported = export(open(), List.of());
    Path closed = export(ExportRequest.asTrained(), List.of());
    try (OnnxEngine engine = OnnxEngine.on(OnnxDevice.CPU)) {
      ModelOpener opener = ExportedFolder.opener(exported, engine);
      assertThatThrownBy(() -> opener.open(List.of(dora)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(
              "loras: blocks.0.attn1.to_q is changed by a DoRA, which is no product of low rank"
                  + " beside it; export with it: tpdiff export MODEL TO --lora FILE");
      assertThatThrownBy(() -> opener.open(List.of(narrow)))
          .isInstanceOf(CheckpointException.class)
          .hasMessageContaining("narrow.safetensors: tensor 'blocks.0.attn1.to_q.weight'")
          .hasMessageContaining("[96, 8]")
          .hasMessageContaining("[96, 96]");
      assertThatThrownBy(() -> opener.open(List.of(other)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("'blocks.7.attn1.to_q.weight' is not in the model");
      assertThatThrownBy(() -> ExportedFolder.opener(closed, engine).open(List.of(narrow)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(
              "loras: %s was not exported to take LoRAs at run time; export it with --takes-loras or with the LoRA in it, or generate with the checkpoint"
                  .formatted(closed));
    }
  }

  private static LoraWeights of(String layer, LayerChange change) {
    return new LoraWeights("transformer", Map.of(layer, change), Map.of());
  }
}
