package io.github.tpdiff.lora.job;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.tpdiff.lora.LoraModels;
import io.github.tpdiff.lora.data.CachedSet;
import io.github.tpdiff.lora.data.ModelEncoders;
import io.github.tpdiff.lora.train.SampleShown;
import io.github.tpdiff.lora.train.Trainer;
import io.github.tpdiff.lora.train.TrainingListener;
import io.github.tpdiff.lora.train.TrainingRun.Start;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.diffusion.StageChoice;
import io.github.tpdiff.runtime.media.PngWriter;
import io.github.tpdiff.runtime.media.VideoReader;
import io.github.tpdiff.runtime.media.VideoWriter;
import io.github.tpdiff.runtime.model.CheckpointTemplate;
import io.github.tpdiff.runtime.model.ModelFamily;
import io.github.tpdiff.runtime.model.PipelineParts;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.runtime.pipeline.GenerationListener;
import io.github.tpdiff.runtime.pipeline.GenerationRequest;
import io.github.tpdiff.runtime.pipeline.SamplingChoice;
import io.github.tpdiff.runtime.pipeline.VideoPipeline;
import io.github.tpdiff.runtime.pipeline.VideoSize;
import io.github.tpdiff.runtime.torch.TorchEngine;
import io.github.tpdiff.runtime.video.VideoClip;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.lora.LoraFile;
import io.github.tpdiff.weights.lora.LoraFormat;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a job leaves for people to look at, on made-up checkpoints. */
final class WatchedRunTest {
  private static final int SIDE = 64;

  @TempDir private Path folder;

  @BeforeEach
  void writeClips() throws IOException {
    Files.createDirectory(folder.resolve("clips"));
    for (int i = 0; i < 2; i++) {
      VideoWriter.write(folder.resolve("clips/" + i + ".mp4"), waves(9, i + 1));
      Files.writeString(folder.resolve("clips/" + i + ".txt"), "waves");
    }
  }

  private static VideoClip waves(int frames, int speed) {
    float[] data = new float[3 * frames * SIDE * SIDE];
    for (int j = 0; j < data.length; j++) {
      data[j] = (float) Math.sin(0.003 * j * speed);
    }
    return new VideoClip(data, frames, SIDE, SIDE, 8);
  }

  private VideoModel open(String template) {
    ModelFamily family =
        ModelFamily.all().stream()
            .filter(own -> own.templates().containsKey(template))
            .findFirst()
            .orElseThrow();
    CheckpointTemplate tiny = requireNonNull(family.templates().get(template));
    Path checkpoint = folder.resolve("checkpoint");
    tiny.write(
        new CheckpointTemplate.Order(
            checkpoint, DType.F32, tiny.defaultComponents(), (written, total) -> {}));
    return family.open(checkpoint);
  }

  private ResolvedJob job(VideoModel model, String more) throws IOException {
    return ResolvedJob.of(TrainingJob.read(written(more)), model);
  }

  private Path written(String more) throws IOException {
    Path file = folder.resolve("job.yaml");
    Files.writeString(
        file,
        """
        # tested
        model: {path: checkpoint}
        data: {path: clips, sizes: [64x64x9], fps: 8, negative_prompt: ugly}
        stages: {count: 2}
        lora: {rank: 2}
        """
            + more);
    return file;
  }

  /** What a run made: latents by prompt, and files. */
  private record Made(List<Latents> latents, List<SampleShown> shown) {}

  private static Made train(ResolvedJob job, TorchEngine engine) {
    var made = new Made(new ArrayList<>(), new ArrayList<>());
    var prepared = job.prepare(new ModelEncoders(job.model(), engine), (v, d, t) -> {});
    Trainer.train(
        new WatchedRun(job, prepared, engine).from(Start.FRESH),
        engine,
        new TrainingListener() {
          @Override
          public void sampled(int step, int prompt, Latents latents) {
            made.latents.add(latents);
          }

          @Override
          public void shown(SampleShown sample) {
            made.shown.add(sample);
          }
        });
    return made;
  }

  private Latents generated(ResolvedJob job, GenerationRequest request, TorchEngine engine)
      throws IOException {
    var lora = LoraFile.read(folder.resolve("out").resolve(ResolvedJob.LORA_FILE)).weights();
    var parts = PipelineParts.of(LoraModels.applied(job.model(), lora, 1), engine);
    SamplingChoice staged = request.sampling().withStages(StageChoice.of(job.diffusion().stages()));
    return new VideoPipeline(parts)
        .generate(request.withSampling(staged), GenerationListener.silent())
        .latents();
  }

  private static void assertSame(Latents found, Latents expected) {
    assertThat(found.shape()).isEqualTo(expected.shape());
    for (int i = 0; i < expected.data().length; i++) {
      // fp32 in another order of segments: conditioning once, or with every step.
      assertThat(found.data()[i]).isCloseTo(expected.data()[i], within(2e-4f));
    }
  }

  /** The oracle is the pipeline with the finished LoRA, asked as the lines of the file say. */
  @Test
  void promptsOfAFile_areSampledAsTheirLinesSay() throws IOException {
    Files.writeString(
        folder.resolve("prompts.txt"),
        """
        # of another size, and of the job's
        a blue square --w 64 --h 32 --f 17 --s 4 --d 11 --l 3 --n blurry
        a red ball
        """);
    try (VideoModel model = open("wan-tiny");
        var engine = TorchEngine.cpu()) {
      ResolvedJob job =
          job(
              model,
              """
              train: {steps: 2, learning_rate: 1e-2}
              sample: {prompts: [waves], file: prompts.txt, every: 5, steps: 3, guidance: 2, seed: 7}
              output: {folder: out}
              """);
      Made made = train(job, engine);
      assertThat(made.latents).hasSize(3);
      var keys = SamplingChoice.open().withSteps(3).withGuidance(2);
      var waves =
          GenerationRequest.of("waves")
              .withNegativePrompt("ugly")
              .withSize(new VideoSize(64, 64, 9, 8))
              .withSampling(keys)
              .withSeed(7);
      assertSame(made.latents.get(0), generated(job, waves, engine));
      GenerationRequest ball = waves.withPrompt("a red ball").withSeed(9);
      assertSame(made.latents.get(2), generated(job, ball, engine));
      var square =
          GenerationRequest.of("a blue square")
              .withNegativePrompt("blurry")
              .withSize(new VideoSize(32, 64, 17, 8))
              .withSampling(SamplingChoice.open().withSteps(4).withGuidance(3))
              .withSeed(11);
      assertSame(made.latents.get(1), generated(job, square, engine));
      assertThat(made.shown).extracting(SampleShown::prompt).containsExactly(0, 1, 2);
      assertThat(VideoReader.probe(made.shown.get(1).file()).frames()).isEqualTo(17);
    }
  }

  @Test
  void folderOfARun_hasThePageTheEventsAndTheJobAsItWasWritten() throws IOException {
    try (VideoModel model = open("wan-tiny");
        var engine = TorchEngine.cpu()) {
      Path file = written("train: {steps: 1}\noutput: {folder: out}\n");
      ResolvedJob job = ResolvedJob.of(TrainingJob.read(file), model);
      byte[] bytes = Files.readAllBytes(file);
      Files.writeString(file, "edited while it is prepared");
      train(job, engine);
      assertThat(folder.resolve("out/job.original.yaml")).hasBinaryContent(bytes);
      assertThat(TrainingJob.read(folder.resolve("out/job.yaml")).train().settings().steps())
          .isEqualTo(1);
      assertThat(folder.resolve("out/report.html")).content().contains("finished: step 1 of 1");
      try (Stream<Path> files = Files.list(folder.resolve("out"))) {
        assertThat(files.filter(f -> f.getFileName().toString().contains("tfevents"))).hasSize(1);
      }
    }
  }

  @Test
  void lineThatDoesNotSuitTheModel_isRefusedByNameBeforeAnyWork() throws IOException {
    Path prompts = folder.resolve("prompts.txt");
    try (VideoModel model = open("wan-tiny")) {
      for (var wrong :
          Map.of(
                  "a --w 65", "width: expected a multiple of",
                  "a --f 12", "frames: 12 do not fit",
                  "a --f 0", "size: expected at least one frame",
                  "a --s 1", "steps: at least one for each of 2 stages",
                  "a --i a.png", "picture: expected none, which this model does not take")
              .entrySet()) {
        Files.writeString(prompts, "fine\n" + wrong.getKey());
        assertThatThrownBy(() -> job(model, "sample: {file: prompts.txt}\n"))
            .isInstanceOf(CheckpointException.class)
            .hasMessageStartingWith(prompts + ": line 2: " + wrong.getValue());
      }
    }
  }

  @Test
  void pictureOfALine_isWhatItsVideoBeginsWith() throws IOException {
    PngWriter.write(folder.resolve("start.png"), waves(1, 3).frame(0));
    Files.writeString(folder.resolve("prompts.txt"), "waves --i start.png\nwaves\n");
    try (VideoModel model = open("wan-i2v-tiny");
        var engine = TorchEngine.cpu()) {
      ResolvedJob job =
          job(
              model,
              """
              train: {steps: 1}
              sample: {file: prompts.txt, steps: 2, guidance: 2, first: true}
              output: {folder: out}
              """);
      Made made = train(job, engine);
      assertThat(made.shown).extracting(SampleShown::step).containsExactly(0, 0, 1, 1);
      var request =
          GenerationRequest.of("waves")
              .withNegativePrompt("ugly")
              .withPicture(folder.resolve("start.png"))
              .withSize(new VideoSize(64, 64, 9, 8))
              .withSampling(SamplingChoice.open().withSteps(2).withGuidance(2));
      assertSame(made.latents.get(2), generated(job, request, engine));
      // Before the first step a LoRA changes nothing.
      var vanilla = PipelineParts.of(model, engine);
      SamplingChoice staged =
          request.sampling().withStages(StageChoice.of(job.diffusion().stages()));
      assertSame(
          made.latents.get(0),
          new VideoPipeline(vanilla)
              .generate(request.withSampling(staged), GenerationListener.silent())
              .latents());
      CachedSet clips = job.prepare(new ModelEncoders(model, engine), (v, d, t) -> {}).clips();
      assertThatThrownBy(() -> job.run(clips, Start.RESUME))
          .isInstanceOf(CheckpointException.class)
          .hasMessageContaining(
              ".yaml: sample.file: a video begins with a picture (--i), which nothing encodes here");
      // The other is shown the picture of a clip.
      assertThat(made.latents.get(3).data()).isNotEqualTo(made.latents.get(2).data());
    }
  }

  @Test
  void everyFormOfTheLora_saysWhatProgramsShow() throws IOException {
    try (VideoModel model = open("wan-tiny");
        var engine = TorchEngine.cpu()) {
      ResolvedJob job =
          job(
              model,
              """
              train: {steps: 1, seed: 5, learning_rate: 2e-4}
              output: {folder: out, formats: [comfyui, kohya], title: "Waves, 1", author: me,
                description: Makes waves., license: MIT}
              """);
      train(job, engine);
      for (LoraFormat format : job.job().output().formats()) {
        assertThat(
                LoraFile.read(folder.resolve("out").resolve(job.loraFile(format)))
                    .weights()
                    .metadata())
            .containsEntry("modelspec.sai_model_spec", "1.0.0")
            .containsEntry("modelspec.title", "Waves, 1")
            .containsEntry("modelspec.architecture", "wan2.1/lora")
            .containsEntry("modelspec.author", "me")
            .containsEntry("modelspec.description", "Makes waves.")
            .containsEntry("modelspec.license", "MIT")
            .containsEntry("modelspec.resolution", "64x64")
            .containsEntry("ss_output_name", "Waves, 1")
            .containsEntry("ss_base_model_version", "wan")
            .containsEntry("ss_sd_model_name", "checkpoint")
            .containsEntry("ss_network_dim", "2")
            .containsEntry("ss_network_alpha", "2.0")
            .containsEntry("ss_resolution", "(64, 64)")
            .containsEntry("ss_learning_rate", "2.0E-4")
            .containsEntry("ss_training_comment", "Makes waves.")
            .containsEntry("ss_seed", "5")
            .containsEntry("ss_steps", "1");
      }
    }
  }

  @Test
  void lorasOfTwoDenoisers_haveTitlesAndTimestepsOfTheirOwn() throws IOException {
    try (VideoModel model = open("wan22-a14b-tiny")) {
      Path file = written("output: {folder: out}\n");
      List<ResolvedJob> runs = JobRuns.of(TrainingJob.read(file), model);
      List<Map<String, String>> headers =
          runs.stream().map(run -> new LoraHeader(run).ofLora()).toList();
      assertThat(headers)
          .extracting(header -> header.get("ss_output_name"))
          .containsExactly("checkpoint LoRA high_noise", "checkpoint LoRA low_noise");
      assertThat(headers)
          .extracting(header -> header.get("modelspec.timestep_range"))
          .containsExactly("875,1000", "0,875");
    }
  }
}
