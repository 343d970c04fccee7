package io.github.tpdiff.conformance.family;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.tpdiff.cli.ExitCode;
import io.github.tpdiff.cli.Tpdiff;
import io.github.tpdiff.lora.LoraModels;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.diffusion.StageChoice;
import io.github.tpdiff.runtime.media.PngWriter;
import io.github.tpdiff.runtime.media.VideoWriter;
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
import io.github.tpdiff.runtime.torch.TorchEngine;
import io.github.tpdiff.runtime.video.VideoClip;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.MemoryTensors;
import io.github.tpdiff.weights.lora.LoraFile;
import io.github.tpdiff.weights.lora.LoraFormat;
import io.github.tpdiff.weights.lora.LoraWeights;
import io.github.tpdiff.weights.lora.LoraWriter;
import io.github.tpdiff.weights.safetensors.SafetensorsWriter;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Everything the product does, with a family that nothing in it knows. */
class TwoExpertsTest {
  private static final int HEIGHT = 32;
  private static final int WIDTH = 48;
  private static final int FRAMES = 8;

  @TempDir private static Path folder;
  private static Path checkpoint;
  private static Path picture;

  private final StringWriter printed = new StringWriter();

  @BeforeAll
  static void write() throws IOException {
    checkpoint = folder.resolve("checkpoint");
    TwoExpertsFamily.write(checkpoint);
    Path clips = Files.createDirectory(folder.resolve("clips"));
    for (int i = 0; i < 2; i++) {
      VideoWriter.write(clips.resolve(i + ".mp4"), clip(i));
      Files.writeString(clips.resolve(i + ".txt"), i == 0 ? "a red ball rolls" : "the blue ball");
    }
    picture = folder.resolve("picture.png");
    PngWriter.write(picture, clip(7).frame(0));
  }

  private static VideoClip clip(int seed) {
    var random = new Random(seed);
    var data = new float[3 * FRAMES * HEIGHT * WIDTH];
    for (int i = 0; i < data.length; i++) {
      data[i] = random.nextFloat() * 2 - 1;
    }
    return new VideoClip(data, FRAMES, HEIGHT, WIDTH, 8);
  }

  private int tpdiff(String... arguments) {
    var out = new PrintWriter(printed);
    return Tpdiff.commandLine().setOut(out).setErr(out).execute(arguments);
  }

  private static GenerationRequest request() {
    return GenerationRequest.of("a red ball rolls to the right")
        .withNegativePrompt("blue")
        .withSampling(SamplingChoice.open().withStages(StageChoice.count(3)))
        .withSeed(3);
  }

  private static Latents generate(PipelineParts parts, GenerationRequest request) {
    return new VideoPipeline(parts).generate(request, GenerationListener.silent()).latents();
  }

  private static VideoModel open() {
    return new TwoExpertsFamily().open(checkpoint);
  }

  private static double apart(Latents one, Latents other) {
    double largest = 0;
    for (int i = 0; i < one.data().length; i++) {
      largest = Math.max(largest, Math.abs(one.data()[i] - other.data()[i]));
    }
    return largest;
  }

  @Test
  void theCommandFindsIt() {
    assertThat(ModelFamily.all()).anyMatch(family -> family instanceof TwoExpertsFamily);
    assertThat(tpdiff("inspect", checkpoint.toString())).as(printed.toString()).isEqualTo(0);
    assertThat(printed.toString())
        .contains("transformer 2")
        .contains("text encoder 2")
        .contains("image encoder")
        .contains("tpdiff generate");
  }

  @Test
  void bothEnginesAgree_withAndWithoutThePicture() {
    try (VideoModel model = open();
        var torch = TorchEngine.cpu();
        var onnx = OnnxEngine.on(OnnxDevice.CPU)) {
      PipelineParts one = PipelineParts.of(model, torch);
      PipelineParts two = PipelineParts.of(model, onnx);
      Latents without = generate(one, request());
      Latents with = generate(one, request().withPicture(picture));
      assertThat(apart(without, generate(two, request()))).isLessThan(1e-4);
      assertThat(apart(with, generate(two, request().withPicture(picture)))).isLessThan(1e-4);
      assertThat(apart(with, without)).isGreaterThan(1e-2);
      // Each expert, and its own guidance, takes part.
      SamplingChoice sampling = request().sampling();
      for (List<Double> guidance : List.of(List.of(3.0, 5.0), List.of(5.0, 2.0))) {
        var other =
            new SamplingChoice(
                sampling.steps(),
                guidance,
                sampling.scheduler(),
                sampling.sampler(),
                sampling.stages());
        assertThat(apart(without, generate(one, request().withSampling(other))))
            .isGreaterThan(1e-3);
      }
    }
  }

  @Test
  void withoutWhatEncodesPictures_videosOfTextAreMadeAndThePictureIsRefused() throws IOException {
    Path lacking = folder.resolve("lacking");
    TwoExpertsFamily.write(lacking);
    Files.delete(lacking.resolve("parts").resolve("image_encoder.safetensors"));
    Path out = folder.resolve("lacking.mp4");
    String[] words = {
      "generate", lacking.toString(), "--prompt", "a ball", "--steps", "3", "-o", out.toString()
    };
    assertThat(tpdiff(words)).as(printed.toString()).isEqualTo(0);
    assertThat(out).exists();
    var more = new ArrayList<>(List.of(words));
    more.addAll(List.of("--picture", picture.toString()));
    assertThat(tpdiff(more.toArray(String[]::new))).isEqualTo(ExitCode.WRONG_INPUT);
    assertThat(printed.toString()).contains("found no image encoder");
  }

  @Test
  void anExpertIsTrained_atItsOwnTimes_andItsLoraIsPutOnIt() throws IOException {
    Path job = folder.resolve("job.yaml");
    Files.writeString(
        job,
        """
        model: {path: checkpoint, denoiser: transformer_2}
        data: {path: clips, sizes: [48x32x8], fps: 8}
        stages: {count: 3}
        lora: {rank: 2}
        train: {steps: 6, batch_size: 1, learning_rate: 1e-2, gradient_checkpointing: false}
        output: {folder: output}
        """);
    assertThat(tpdiff("train", job.toString())).as(printed.toString()).isEqualTo(0);
    var lora =
        LoraFile.read(folder.resolve("output/pytorch_lora_weights.low_noise.safetensors"))
            .weights();
    assertThat(lora.pairs()).hasSize(1);
    try (VideoModel model = open();
        var torch = TorchEngine.cpu()) {
      Latents before = generate(PipelineParts.of(model, torch), request());
      VideoModel changed = LoraModels.applied(model, lora, 1);
      assertThat(changed.require("transformer")).isEqualTo(model.require("transformer"));
      assertThat(apart(before, generate(PipelineParts.of(changed, torch), request())))
          .isGreaterThan(0);
    }
  }

  private Path job(String denoiser, String output) throws IOException {
    Path job = folder.resolve(output + ".yaml");
    Files.writeString(
        job,
        """
        model: {path: checkpoint, denoiser: %s}
        data: {path: clips, sizes: [48x32x8], fps: 8}
        stages: {count: 3}
        lora: {rank: 2}
        train: {steps: 4, batch_size: 1, learning_rate: 1e-2, gradient_checkpointing: false}
        output: {folder: %s, formats: [comfyui]}
        """
            .formatted(denoiser, output));
    return job;
  }

  @Test
  void bothExpertsAreTrained_oneAfterTheOther_eachAsAlone() throws IOException {
    assertThat(tpdiff("train", job("both", "both").toString())).as(printed.toString()).isEqualTo(0);
    for (String expert : List.of("high_noise", "low_noise")) {
      assertThat(tpdiff("train", job(expert, expert + "-alone").toString())).isEqualTo(0);
      String name = "pytorch_lora_weights." + expert + ".safetensors";
      var lora = LoraFile.read(folder.resolve("both/" + expert).resolve(name)).weights();
      assertThat(lora.metadata()).containsEntry("tpdiff.expert", expert);
      var alone = LoraFile.read(folder.resolve(expert + "-alone").resolve(name)).weights();
      lora.pairs()
          .forEach(
              (module, pair) ->
                  assertThat(pair.b())
                      .isEqualTo(java.util.Objects.requireNonNull(alone.pairs().get(module)).b()));
      assertThat(
              folder.resolve(
                  "both/" + expert + "/pytorch_lora_weights." + expert + ".comfyui.safetensors"))
          .exists();
    }
    // What is finished is not trained again.
    assertThat(tpdiff("train", folder.resolve("both.yaml").toString(), "--resume")).isEqualTo(0);
    assertThat(printed.toString()).contains("both/low_noise/states/step-00000004");
  }

  @Test
  void expertsWhoseFrozenWeightsAreOffloaded_areTrainedToTheSameBits() throws IOException {
    assertThat(tpdiff("train", job("both", "held").toString())).as(printed.toString()).isEqualTo(0);
    assertThat(printed.toString()).doesNotContain("offload: frozen weights come");
    Path job = job("both", "offloaded");
    Files.writeString(
        job, Files.readString(job).replace("steps: 4", "steps: 4, offload: true, frozen: stored"));
    assertThat(tpdiff("train", job.toString())).as(printed.toString()).isEqualTo(0);
    assertThat(printed.toString()).contains("offload: frozen weights come");
    for (String expert : List.of("high_noise", "low_noise")) {
      String name = expert + "/pytorch_lora_weights." + expert + ".safetensors";
      var held = LoraFile.read(folder.resolve("held").resolve(name)).weights();
      var offloaded = LoraFile.read(folder.resolve("offloaded").resolve(name)).weights();
      assertThat(offloaded.pairs().keySet()).isEqualTo(held.pairs().keySet());
      held.pairs()
          .forEach(
              (module, pair) ->
                  assertThat(pair.b())
                      .isEqualTo(
                          java.util.Objects.requireNonNull(offloaded.pairs().get(module)).b()));
    }
  }

  @Test
  void bothGoOn_whereTheSecondWasStopped() throws IOException {
    Path job = job("both", "stopped");
    assertThat(tpdiff("train", job.toString())).as(printed.toString()).isEqualTo(0);
    Path low = folder.resolve("stopped/low_noise/pytorch_lora_weights.low_noise.safetensors");
    byte[] whole = Files.readAllBytes(low);
    // As if it had been stopped before the second began.
    try (var files = Files.walk(folder.resolve("stopped/low_noise"))) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        Files.delete(file);
      }
    }
    assertThat(tpdiff("train", job.toString(), "--resume")).as(printed.toString()).isEqualTo(0);
    assertThat(Files.readAllBytes(low)).isEqualTo(whole);
  }

  @Test
  void dryRun_saysTheTimesOfEach_andWhichStagesAreOutside() throws IOException {
    assertThat(tpdiff("train", job("both", "dry").toString(), "--dry-run"))
        .as(printed.toString())
        .isEqualTo(0);
    assertThat(printed.toString())
        .contains("high_noise is trained at times 1.0000 to 0.6000")
        .contains("low_noise is trained at times 0.6000 to 0.0000")
        .contains("stage 1, times 0.3333 to 0.0000, is wholly outside: never visited");
  }

  @Test
  void loraThatDoesNotSayWhichExpertItIsFor_isRefused_untilTheUserSays() throws IOException {
    assertThat(tpdiff("train", job("high_noise", "unsaid").toString()))
        .as(printed.toString())
        .isEqualTo(0);
    var named = LoraFile.read(folder.resolve("unsaid/pytorch_lora_weights.high_noise.safetensors"));
    Path unnamed = folder.resolve("some_high_noise_lora.safetensors");
    LoraWriter.write(
        unnamed,
        new LoraWeights(named.weights().component(), named.weights().pairs(), Map.of()),
        LoraFormat.COMFYUI,
        DType.F32);
    var words =
        new ArrayList<>(
            List.of(
                "generate",
                checkpoint.toString(),
                "--prompt",
                "a ball",
                "--steps",
                "3",
                "-o",
                folder.resolve("unsaid.mp4").toString(),
                "--lora",
                unnamed.toString()));
    assertThat(tpdiff(words.toArray(String[]::new))).isEqualTo(ExitCode.WRONG_INPUT);
    assertThat(printed.toString())
        .contains("which denoiser of the model it is for, high_noise or low_noise")
        .contains("--lora-denoiser")
        .contains("(its name suggests high_noise)");
    words.addAll(List.of("--lora-denoiser", "high_noise"));
    assertThat(tpdiff(words.toArray(String[]::new))).as(printed.toString()).isEqualTo(0);
    words.set(words.size() - 1, "high_noise,low_noise");
    words.addAll(List.of("--lora", unnamed.toString(), "--lora-strength", "1,0.5"));
    assertThat(tpdiff(words.toArray(String[]::new))).as(printed.toString()).isEqualTo(0);
  }

  @Test
  void anExportRunsAsTheCheckpoint() {
    Path exported = folder.resolve("exported");
    assertThat(
            tpdiff(
                "export", checkpoint.toString(), exported.toString(), "--stages", "3", "--check"))
        .as(printed.toString())
        .isEqualTo(0);
    assertThat(printed.toString())
        .contains("transformer_2, stage 3 of 2 frames")
        .contains("image_encoder")
        .doesNotContain("FAIL");
    try (VideoModel model = open();
        var torch = TorchEngine.cpu();
        var onnx = OnnxEngine.on(OnnxDevice.CPU);
        ExportedFolder parts = ExportedFolder.open(exported, onnx)) {
      GenerationRequest request = request().withPicture(picture);
      assertThat(apart(generate(PipelineParts.of(model, torch), request), generate(parts, request)))
          .isLessThan(1e-4);
    }
    Path out = folder.resolve("run.mp4");
    assertThat(
            tpdiff(
                "run",
                exported.toString(),
                "--prompt",
                "a red ball",
                "--picture",
                picture.toString(),
                "-o",
                out.toString()))
        .as(printed.toString())
        .isEqualTo(0);
    assertThat(out).exists();
  }

  @Test
  void benchMeasuresIt() {
    assertThat(
            tpdiff(
                "bench",
                "--checkpoint",
                checkpoint.toString(),
                "--stages",
                "3",
                "--frames",
                "8",
                "--height",
                "4",
                "--width",
                "4",
                "--steps",
                "3",
                "--rounds",
                "1"))
        .as(printed.toString())
        .isIn(ExitCode.DONE, ExitCode.CHECK_FAILED); // too small for its speed to be foreseen
    assertThat(printed.toString()).contains("torch").contains("onnx");
  }

  @Test
  void conformanceRunsItsPipeline() throws IOException {
    Path golden = folder.resolve("golden");
    TwoExpertsFamily.write(golden.resolve("checkpoint"));
    try (VideoModel model = open();
        var torch = TorchEngine.cpu()) {
      GenerationRequest request =
          GenerationRequest.of("a red ball")
              .withNegativePrompt("blue")
              .withSampling(SamplingChoice.open().withSteps(4).withGuidance(3))
              .withSeed(5);
      Latents latents = generate(PipelineParts.of(model, torch), request);
      Latents noise =
          io.github.tpdiff.runtime.diffusion.NoiseSource.seeded(5).draw(latents.shape());
      var shape = List.of(1L, 4L, 8L, 4L, 6L);
      SafetensorsWriter.write(
          golden.resolve("io.safetensors"),
          MemoryTensors.builder()
              .addFloats("in.latents", shape, noise.data())
              .addFloats("out.latents", shape, latents.data())
              .build());
    }
    Files.writeString(
        golden.resolve("case.json"),
        """
        {"family": "two-experts", "case": "pipeline", "component": "pipeline", "kind": "pipeline",
         "args": {"checkpoint": "checkpoint", "weight_dtype": "fp32", "prompt": "a red ball",
                  "negative_prompt": "blue", "height": 32, "width": 48, "num_frames": 8,
                  "num_inference_steps": 4, "guidance_scale": 3},
         "tolerance": {"fp32": 1e-4}, "description": "its own numbers"}
        """);
    assertThat(tpdiff("conformance", golden.toString())).as(printed.toString()).isEqualTo(0);
    assertThat(printed.toString()).contains(" torch ").contains(" onnx ").contains(" 0 failed");
  }

  @Test
  void stagesThatItWasExportedFor_areKept() {
    Path exported = folder.resolve("two-stages");
    try (VideoModel model = open();
        var onnx = OnnxEngine.on(OnnxDevice.CPU)) {
      ExportedFolder.write(model, exported, ExportRequest.of(StageChoice.count(2)));
      try (ExportedFolder parts = ExportedFolder.open(exported, onnx)) {
        assertThat(parts.stages().stages()).isEqualTo(2);
        assertThat(parts.description().flow().denoisers())
            .allMatch(expert -> expert.bytesPerLatent().isPresent());
      }
    }
  }
}
