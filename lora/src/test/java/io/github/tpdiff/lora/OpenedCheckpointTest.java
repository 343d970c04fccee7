package io.github.tpdiff.lora;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tpdiff.runtime.diffusion.FrameResampling;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.engine.Executable;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.model.CheckpointTemplate;
import io.github.tpdiff.runtime.model.Families;
import io.github.tpdiff.runtime.model.ModelFamily;
import io.github.tpdiff.runtime.model.ModelRequest;
import io.github.tpdiff.runtime.model.PipelineParts;
import io.github.tpdiff.runtime.model.RecordJson;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.runtime.pipeline.GeneratedVideo;
import io.github.tpdiff.runtime.pipeline.GenerationListener;
import io.github.tpdiff.runtime.pipeline.GenerationRequest;
import io.github.tpdiff.runtime.pipeline.LoraChoice;
import io.github.tpdiff.runtime.pipeline.SamplingChoice;
import io.github.tpdiff.runtime.pipeline.VideoPipeline;
import io.github.tpdiff.runtime.pipeline.VideoSize;
import io.github.tpdiff.runtime.serving.ServiceLimits;
import io.github.tpdiff.runtime.serving.ServiceSetup;
import io.github.tpdiff.runtime.serving.VideoOrder;
import io.github.tpdiff.runtime.serving.VideoService;
import io.github.tpdiff.runtime.torch.TorchEngine;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.lora.LayerChange;
import io.github.tpdiff.weights.lora.LoraFormat;
import io.github.tpdiff.weights.lora.LoraPair;
import io.github.tpdiff.weights.lora.LoraWeights;
import io.github.tpdiff.weights.lora.LoraWriter;
import java.io.IOException;
import java.nio.file.Files;
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

/** A small checkpoint on PyTorch, with LoRAs by name and by file. */
class OpenedCheckpointTest {
  private static final int WIDTH = 96;
  private static final StageConfig STAGES =
      StageConfig.pyramid(2, FrameResampling.sharedFirstFrame());

  @TempDir private Path folder;
  private ModelRequest checkpoint = ModelRequest.of(Path.of(""));

  @BeforeEach
  void writeCheckpoint() {
    ModelFamily family =
        ModelFamily.all().stream()
            .filter(own -> own.templates().containsKey("wan-tiny"))
            .findFirst()
            .orElseThrow();
    CheckpointTemplate tiny = requireNonNull(family.templates().get("wan-tiny"));
    Path path = folder.resolve("checkpoint");
    tiny.write(
        new CheckpointTemplate.Order(
            path, DType.F32, tiny.defaultComponents(), (written, total) -> {}));
    checkpoint = ModelRequest.of(path);
  }

  private LoraChoice lora(String name, int seed, Map<String, String> header) {
    var random = new Random(seed);
    var pairs = new TreeMap<String, LayerChange>();
    for (String layer : List.of("blocks.0.attn1.to_q", "blocks.0.attn2.to_k")) {
      pairs.put(layer, new LoraPair(2, 2, numbers(random), numbers(random)));
    }
    Path file = folder.resolve(name);
    var weights = new LoraWeights("transformer", pairs, Map.of(), header);
    LoraWriter.write(file, weights, LoraFormat.DIFFUSERS, DType.F32);
    return LoraChoice.of(file);
  }

  private static float[] numbers(Random random) {
    var values = new float[2 * WIDTH];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (0.2 * random.nextGaussian());
    }
    return values;
  }

  private static GenerationRequest request() {
    return GenerationRequest.of("a red ball")
        .withSize(new VideoSize(32, 32, 9, 8))
        .withSampling(SamplingChoice.open().withSteps(2).withGuidance(3));
  }

  private static float[] alone(VideoModel model, Engine engine) {
    return new VideoPipeline(PipelineParts.of(model, engine))
        .generate(request(), GenerationListener.silent())
        .latents()
        .data();
  }

  /** Counts what is loaded, by the name of its program. */
  private record CountingEngine(Engine engine, List<String> loaded) implements Engine {
    @Override
    public String description() {
      return engine.description();
    }

    @Override
    public Executable load(Program program, TensorSource weights) {
      loaded.add(program.name());
      return engine.load(program, weights);
    }

    @Override
    public void close() {
      engine.close();
    }
  }

  @Test
  void lorasByName_makeTheSameVideosAsByFile_bitForBit_andLoadOnlyWhatTheyChange() {
    String stages = RecordJson.STAGES.format(STAGES);
    LoraChoice staged = lora("staged.safetensors", 1, Map.of(RecordJson.STAGES_HEADER, stages));
    LoraChoice plain = lora("plain.safetensors", 2, Map.of());
    float[] bare;
    float[] withStaged;
    float[] withBoth;
    var torch = TorchEngine.cpu();
    try (VideoModel model = Families.open(checkpoint)) {
      bare = alone(model, torch);
      withStaged = alone(put(model, staged), torch);
      withBoth = alone(put(model, staged, plain), torch);
    }
    var loaded = new ArrayList<String>();
    var engine = new CountingEngine(torch, loaded);
    var setup =
        ServiceSetup.of(Map.of("tiny", OpenedCheckpoint.open(checkpoint).on(engine)))
            .withLoras(Map.of("staged", staged, "plain", plain))
            .withLimits(new ServiceLimits(4, 1L << 30));
    var order = VideoOrder.of("tiny", request());
    try (VideoService service = VideoService.open(setup)) {
      var results = new ArrayList<Latents>();
      for (var each :
          List.of(
              order,
              order.withLoras("staged"),
              order.withLoras("staged", "plain"),
              order,
              VideoOrder.of("tiny", request().withLoras(List.of(staged))))) {
        results.add(service.submit(each, GeneratedVideo::latents).result().join());
      }
      assertThat(results.get(0).data()).containsExactly(bare);
      assertThat(results.get(1).data()).containsExactly(withStaged).isNotEqualTo(bare);
      assertThat(results.get(2).data()).containsExactly(withBoth).isNotEqualTo(withStaged);
      assertThat(results.get(3).data()).containsExactly(bare);
      assertThat(results.get(4).data()).containsExactly(withStaged);
      assertThat(service.check(order.withLoras("staged")).request().size()).isNotNull();
      // One text encoder for all; conditioning and denoiser for each of three.
      assertThat(loaded).hasSize(1 + 2 * 3);
      assertThat(service.load().warmBytes()).isPositive();
    }
  }

  private static VideoModel put(VideoModel model, LoraChoice... loras) {
    return TrainedFiles.read(Optional.empty(), List.of(loras)).beside(model, (file, tensors) -> {});
  }

  @Test
  void loraOfAnotherModel_isRefusedWhenItIsAskedFor_inOneLine() {
    var pairs = new TreeMap<String, LayerChange>();
    var random = new Random(1);
    pairs.put("blocks.7.attn1.to_q", new LoraPair(2, 2, numbers(random), numbers(random)));
    Path file = folder.resolve("other.safetensors");
    LoraWriter.write(
        file,
        new LoraWeights("transformer", pairs, Map.of(), Map.of()),
        LoraFormat.DIFFUSERS,
        DType.F32);
    var setup =
        ServiceSetup.of(Map.of("tiny", OpenedCheckpoint.open(checkpoint).on(TorchEngine.cpu())))
            .withLoras(Map.of("other", LoraChoice.of(file)));
    var order = VideoOrder.of("tiny", request());
    try (VideoService service = VideoService.open(setup)) {
      assertThatThrownBy(() -> service.submit(order.withLoras("other"), GeneratedVideo::latents))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("other.safetensors")
          .hasMessageContaining("blocks.7.attn1.to_q")
          .hasMessageNotContaining("\n");
      assertThat(service.submit(order, GeneratedVideo::latents).result().join().isFinite())
          .isTrue();
    }
  }

  @Test
  void folderOfNoFamily_isSaid() throws IOException {
    Path empty = Files.createDirectory(folder.resolve("empty"));
    assertThatThrownBy(() -> OpenedCheckpoint.open(ModelRequest.of(empty)))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("no checkpoint of a known family");
  }
}
