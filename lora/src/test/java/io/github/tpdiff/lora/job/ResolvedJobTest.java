package io.github.tpdiff.lora.job;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;

import io.github.tpdiff.lora.LoraModels;
import io.github.tpdiff.lora.data.BucketSizes;
import io.github.tpdiff.lora.data.ModelEncoders;
import io.github.tpdiff.lora.train.Trainer;
import io.github.tpdiff.lora.train.TrainingListener;
import io.github.tpdiff.lora.train.TrainingOutcome;
import io.github.tpdiff.lora.train.TrainingRun.Start;
import io.github.tpdiff.runtime.cost.Machine;
import io.github.tpdiff.runtime.diffusion.LatentGrid;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.diffusion.StageChoice;
import io.github.tpdiff.runtime.media.PngWriter;
import io.github.tpdiff.runtime.media.VideoWriter;
import io.github.tpdiff.runtime.model.CheckpointTemplate;
import io.github.tpdiff.runtime.model.ModelFamily;
import io.github.tpdiff.runtime.model.PipelineParts;
import io.github.tpdiff.runtime.model.RecordJson;
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
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.lora.LoraFile;
import io.github.tpdiff.weights.lora.LoraFormat;
import io.github.tpdiff.weights.lora.LoraWeights;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A job from its file to a LoRA file, on a small checkpoint and real videos. */
final class ResolvedJobTest {
  private static final String JOB =
      """
      model: {path: checkpoint}
      data: {path: clips, sizes: [32x32x9], fps: 8, validation: 0.3}
      stages: {count: 2, alignment_window: 4}
      lora: {rank: 2, alpha: 4}
      train: {steps: 3, seed: 5, batch_size: 2, learning_rate: 1e-3, validate_every: 2}
      output: {folder: out, save_every: 2}
      """;

  @TempDir private Path folder;

  @BeforeEach
  void makeCheckpointAndClips() throws IOException {
    CheckpointTemplate tiny = requireNonNull(family().templates().get("wan-tiny"));
    tiny.write(
        new CheckpointTemplate.Order(
            folder.resolve("checkpoint"), DType.F32, tiny.defaultComponents(), (w, t) -> {}));
    Files.createDirectory(folder.resolve("clips"));
    for (int i = 0; i < 4; i++) {
      float[] data = new float[3 * 10 * 32 * 32];
      for (int j = 0; j < data.length; j++) {
        data[j] = (float) Math.sin(0.01 * j * (i + 1));
      }
      VideoWriter.write(folder.resolve("clips/" + i + ".mp4"), new VideoClip(data, 10, 32, 32, 8));
      Files.writeString(folder.resolve("clips/" + i + ".txt"), "waves, number " + i);
    }
    Files.writeString(folder.resolve("job.yaml"), JOB);
  }

  private static ModelFamily family() {
    return ModelFamily.all().stream()
        .filter(f -> f.templates().containsKey("wan-tiny"))
        .findFirst()
        .orElseThrow();
  }

  private ResolvedJob open(VideoModel model) {
    return ResolvedJob.of(TrainingJob.read(folder.resolve("job.yaml")), model);
  }

  @Test
  void jobFile_trainsALoraThatLoadsIntoTheModel() {
    var validations = new ArrayList<Map<Integer, Double>>();
    var listener =
        new TrainingListener() {
          @Override
          public void validated(int step, Map<Integer, Double> losses) {
            validations.add(losses);
          }
        };
    try (VideoModel model = family().open(folder.resolve("checkpoint"));
        var engine = TorchEngine.cpu()) {
      ResolvedJob job = open(model);
      var prepared = job.prepare(new ModelEncoders(model, engine), (v, d, t) -> {});
      assertThat(prepared.clips().shapes()).hasSize(4);
      var outcome = Trainer.train(job.run(prepared.clips(), Start.FRESH), engine, listener);
      assertThat(outcome.end()).isEqualTo(TrainingOutcome.End.FINISHED);
      assertThat(validations).hasSize(3);
      assertThat(validations.get(0).keySet()).containsExactlyInAnyOrder(2, 1);

      var lora = LoraFile.read(folder.resolve("out").resolve(ResolvedJob.LORA_FILE)).weights();
      assertThat(lora.metadata())
          .containsEntry("tpdiff.step", "3")
          .containsEntry("tpdiff.seed", "5")
          .containsKeys("tpdiff.base_checkpoint", "tpdiff.version");
      var stages =
          RecordJson.STAGES.parse(
              requireNonNull(lora.metadata().get(RecordJson.STAGES_HEADER)), "header");
      // Boundaries are said, so that they stay where they are beside any scheduler.
      double boundary = job.diffusion().plan(new LatentGrid(3, 2, 2)).stage(1).start();
      assertThat(stages).isEqualTo(job.diffusion().stages().withBoundaries(List.of(boundary)));
      assertThat(applied(model, lora).trainedStages()).contains(stages);
      assertThat(LoraModels.merged(model, lora, 1).trainedStages()).contains(stages);
      assertThat(lora.pairs().values()).allMatch(p -> p.rank() == 2 && p.scale() == 2);

      var applied = applied(model, lora);
      assertThat(applied.require("transformer/conditioning").program().weights().keySet())
          .anyMatch(name -> name.contains("attn2.to_k.lora_A"));
      assertThat(applied.require("transformer").program().weights().keySet())
          .anyMatch(name -> name.contains("ffn.net.2.lora_B"));
    }
  }

  private static VideoModel applied(VideoModel model, LoraWeights lora) {
    return LoraModels.applied(model, lora, 1);
  }

  @Test
  void dryRun_pricesEveryStageAndTrainingWithoutThem() {
    try (VideoModel model = family().open(folder.resolve("checkpoint"))) {
      var products = new Machine.Products(1e11, 1e10);
      var machine = new Machine(products, products, 1e11, 1e10, 1e-5);
      DryRun dry = DryRun.of(open(model), machine);
      assertThat(dry.rows()).extracting(DryRun.Row::stage).containsExactly(2, 1, 0);
      assertThat(dry.rows()).extracting(row -> row.grid().frames()).containsExactly(2, 3, 3);
      // 2 x 2 patches of 4 x 4 latents.
      assertThat(dry.rows()).extracting(DryRun.Row::tokens).containsExactly(8L, 12L, 12L);
      assertThat(dry.seconds()).isPositive().isLessThan(dry.vanillaSeconds());
      assertThat(dry.peakBytes())
          .isEqualTo(dry.memory().residentBytes() + dry.rows().get(1).peakBytes());
      assertThat(dry.table()).hasSize(7).last().asString().startsWith("alignment: at most");
    }
  }

  @Test
  void stepCost_isWhatADryRunTakes_whereFlopsAloneCount() throws IOException {
    try (VideoModel model = family().open(folder.resolve("checkpoint"))) {
      var flops = new Machine.Products(1, 1e30);
      var machine = new Machine(flops, flops, 1, 1e30, 0);
      String kept = JOB.replace("seed: 5", "seed: 5, gradient_checkpointing: false");
      Files.writeString(folder.resolve("job.yaml"), kept);
      StepCost cost = StepCost.of(open(model));
      assertThat(3 * cost.mean())
          .isCloseTo(DryRun.of(open(model), machine).seconds(), withinPercentage(1e-4));
      assertThat(cost.shares()).isEqualTo(Map.of(1, 0.5, 2, 0.5));
      // Two frames of latents instead of three, and what does not depend on them.
      assertThat(requireNonNull(cost.flops().get(2)) / requireNonNull(cost.flops().get(1)))
          .isBetween(2.0 / 3 - 0.01, 0.9);

      Files.writeString(
          folder.resolve("job.yaml"),
          kept.replace("batch_size: 2", "batch_size: 2, gradient_accumulation: 3"));
      assertThat(StepCost.of(open(model)).mean()).isEqualTo(3 * cost.mean());
    }
  }

  @Test
  void dryRun_tradesTimeForWhatProductsGave() throws IOException {
    try (VideoModel model = family().open(folder.resolve("checkpoint"))) {
      var products = new Machine.Products(1e11, 1e10);
      // Gigabytes, beside which what the process holds already does not change.
      String many = JOB.replace("batch_size: 2", "batch_size: 100000");
      var machine = new Machine(products, products, 1e11, 1e10, 1e-5);
      Files.writeString(
          folder.resolve("job.yaml"),
          many.replace("seed: 5", "seed: 5, gradient_checkpointing: true"));
      DryRun recomputed = DryRun.of(open(model), machine);
      Files.writeString(
          folder.resolve("job.yaml"),
          many.replace("seed: 5", "seed: 5, gradient_checkpointing: false"));
      DryRun kept = DryRun.of(open(model), machine);
      assertThat(kept.seconds()).isBetween(0.7 * recomputed.seconds(), 0.95 * recomputed.seconds());
      assertThat(kept.rows().get(1).peakBytes())
          .isGreaterThan(recomputed.rows().get(1).peakBytes());
    }
  }

  @Test
  void dryRun_countsOffloadedWeightsAsTheWindowOfThem() throws IOException {
    try (VideoModel model = family().open(folder.resolve("checkpoint"))) {
      var products = new Machine.Products(1e11, 1e10);
      var machine = new Machine(products, products, 1e11, 1e10, 1e-5);
      String recomputed = "gradient_checkpointing: true, seed: 5";
      Files.writeString(folder.resolve("job.yaml"), JOB.replace("seed: 5", recomputed));
      DryRun whole = DryRun.of(open(model), machine);
      Files.writeString(
          folder.resolve("job.yaml"), JOB.replace("seed: 5", "offload: true, " + recomputed));
      DryRun offloaded = DryRun.of(open(model), machine);
      TrainingBytes least = whole.memory().least();
      assertThat(offloaded.memory().least()).isEqualTo(least);
      // Three blocks and what is around them: at most two of all these.
      assertThat(least.frozen().offloaded())
          .isBetween(least.frozen().all() / 4, least.frozen().all() * 3 / 4);
      for (int i = 0; i < whole.rows().size(); i++) {
        assertThat(whole.rows().get(i).peakBytes() - offloaded.rows().get(i).peakBytes())
            .isGreaterThan(least.frozen().all() - least.frozen().offloaded());
      }
      assertThat(offloaded.rows().get(1).peakBytes()).isEqualTo(least.offloaded());
      assertThat(offloaded.table()).anyMatch(line -> line.endsWith("; the latter is done"));
    }
  }

  @ParameterizedTest
  @CsvSource({"stored", "fp8"})
  void offloadedTraining_writesTheSameLoraBitForBit(String form) throws IOException {
    try (VideoModel model = family().open(folder.resolve("checkpoint"));
        var engine = TorchEngine.cpu()) {
      var written = new ArrayList<LoraWeights>();
      for (boolean offload : List.of(false, true)) {
        Files.writeString(
            folder.resolve("job.yaml"),
            JOB.replace("seed: 5", "frozen: " + form + ", seed: 5")
                .replace("folder: out", "folder: out" + offload));
        ResolvedJob job = open(model);
        var prepared = job.prepare(new ModelEncoders(model, engine), (v, d, t) -> {});
        Trainer.train(
            job.run(prepared.clips(), Start.FRESH),
            engine.offloading(offload),
            new TrainingListener() {});
        Path out = folder.resolve("out" + offload);
        written.add(LoraFile.read(out.resolve(ResolvedJob.LORA_FILE)).weights());
      }
      var found = written.get(1).pairs();
      assertThat(found).isNotEmpty();
      written
          .get(0)
          .pairs()
          .forEach(
              (name, pair) -> {
                assertThat(requireNonNull(found.get(name)).a()).isEqualTo(pair.a());
                assertThat(requireNonNull(found.get(name)).b()).isEqualTo(pair.b());
              });
    }
  }

  @Test
  void frozenWeights_areHeldAndPricedAsTheJobSays() throws IOException {
    try (VideoModel model = family().open(folder.resolve("checkpoint"));
        var engine = TorchEngine.cpu()) {
      String weight = "blocks.0.ffn.net.2.weight";
      var sizes = new ArrayList<Long>();
      var firstValues = new ArrayList<Float>();
      for (String form : List.of("stored", "bf16", "fp8")) {
        Files.writeString(
            folder.resolve("job.yaml"),
            JOB.replace("seed: 5", "frozen: " + form + ", seed: 5")
                .replace("folder: out", "folder: " + form));
        ResolvedJob job = open(model);
        TensorSource held = job.target().held().weights();
        sizes.add(
            job.target().held().program().weights().keySet().stream()
                .mapToLong(name -> StepPricing.sizes(job.target().held()).bytes(name, 0))
                .sum());
        assertThat(held.stored(weight).dtype().name())
            .isEqualTo(Map.of("stored", "F32", "bf16", "BF16", "fp8", "F8_E4M3").get(form));
        assertThat(held.stored("blocks.0.ffn.net.2.bias").dtype()).isEqualTo(DType.F32);
        assertThat(held.stored("blocks.0.scale_shift_table").dtype()).isEqualTo(DType.F32);

        var prepared = job.prepare(new ModelEncoders(model, engine), (v, d, t) -> {});
        Trainer.train(job.run(prepared.clips(), Start.FRESH), engine, new TrainingListener() {});
        var pairs =
            LoraFile.read(folder.resolve(form).resolve(ResolvedJob.LORA_FILE)).weights().pairs();
        firstValues.add(pairs.values().iterator().next().b()[0]);
      }
      // Linear layers are most of it: four bytes, two, one.
      assertThat(sizes.get(1)).isBetween(sizes.get(0) / 2, sizes.get(0) * 3 / 4);
      assertThat(sizes.get(2)).isBetween(sizes.get(0) / 4, sizes.get(1));
      assertThat(firstValues).doesNotHaveDuplicates();
    }
  }

  @Test
  void tensorsTrainedInFull_areNotRounded() throws IOException {
    Files.writeString(
        folder.resolve("job.yaml"),
        JOB.replace("lora: {rank: 2, alpha: 4}\n", "")
            .replace("seed: 5", "frozen: fp8, weights: ['blocks.0.ffn.net.2'], seed: 5"));
    try (VideoModel model = family().open(folder.resolve("checkpoint"))) {
      TensorSource held = open(model).target().held().weights();
      assertThat(held.scaled("blocks.0.ffn.net.2.weight")).isEmpty();
      assertThat(held.scaled("blocks.1.ffn.net.2.weight")).isPresent();
    }
  }

  @Test
  void clipLengthThatDoesNotFitTheStages_isRefusedWithTheNearest() throws IOException {
    Files.writeString(folder.resolve("job.yaml"), JOB.replace("32x32x9", "32x32x13"));
    try (VideoModel model = family().open(folder.resolve("checkpoint"))) {
      assertThatThrownBy(() -> open(model))
          .hasMessageContaining("data.sizes: 32x32x13")
          .hasMessageContaining("9 and 17");
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{count: 2, alignment_window: 4}|{count: 2, weights: [1, 2, 3]}|stages.weights: expected 2 values, one a stage, found [1.0, 2.0, 3.0]",
        "{rank: 2, alpha: 4}|{rank: 2, targets: [to_w]}|lora.targets: 'to_w' matches no linear layer",
        "{rank: 2, alpha: 4}|{rank: 0}|lora.rank: from 1 to 65536, found 0",
        "{rank: 2, alpha: 4}|{rank: 2, alpha: -1}|lora.alpha: must be positive, found -1.0",
        "output:|sample: {prompts: a, size: 32x32x12}\\noutput:|sample.size: frames: 12 do not fit",
        "output:|sample: {prompts: a, steps: 1}\\noutput:|sample.steps: at least one for each of 2 stages",
      })
  void jobThatCannotTrain_isRefusedBeforeAnyVideoIsRead(String part, String wrong, String message)
      throws IOException {
    Files.writeString(folder.resolve("job.yaml"), JOB.replace(part, wrong.replace("\\n", "\n")));
    try (VideoModel model = family().open(folder.resolve("checkpoint"))) {
      assertThatThrownBy(() -> open(model))
          .isInstanceOf(CheckpointException.class)
          .hasMessageStartingWith(folder.resolve("job.yaml") + ": ")
          .hasMessageContaining(message);
    }
  }

  @Test
  void rateOfB_isRefusedBeforeAnyVideoIsRead_whereThereIsNone() throws IOException {
    Files.writeString(
        folder.resolve("job.yaml"),
        JOB.replace("{rank: 2, alpha: 4}", "{kind: lokr}")
            .replace("seed: 5", "seed: 5, lora_plus: 4"));
    try (VideoModel model = family().open(folder.resolve("checkpoint"))) {
      assertThatThrownBy(() -> open(model))
          .isInstanceOf(CheckpointException.class)
          .hasMessageContaining("job.yaml: train.lora_plus: expected tensors lora_B to be trained");
    }
  }

  /** The checkpoint's own 33 frames are 9 latent ones: of two stages 5 and 3 are next. */
  @Test
  void frames_areHalvedAsLatentFramesAre() throws IOException {
    Files.writeString(folder.resolve("job.yaml"), JOB.replace("sizes: [32x32x9]", "pixels: 32x32"));
    try (VideoModel model = family().open(folder.resolve("checkpoint"))) {
      assertThat(open(model).clipSizes())
          .isInstanceOfSatisfying(
              BucketSizes.class,
              sizes -> assertThat(sizes.budget().frames()).containsExactly(33, 17, 9));
      // What a job leaves open is said where it ran.
      assertThat(JobSettings.of(open(model).filled()).values())
          .containsEntry("data.frames", List.of(33, 17, 9))
          .containsEntry("data.shapes", 8);
      // Also of frames that no video would be long enough for.
      Files.writeString(
          folder.resolve("job.yaml"),
          JOB.replace("sizes: [32x32x9]", "pixels: 32x32, frames: [9, 999]"));
      assertThatThrownBy(() -> open(model))
          .isInstanceOf(CheckpointException.class)
          .hasMessageContaining("job.yaml: data.frames: 999 do not fit");
    }
  }

  /** A network over frames in which one frame does not divide: the videos decide the sizes. */
  @Test
  void picturesThatCannotBeTrainedOn_chooseNoSizes() throws IOException {
    String name = "animatediff-tiny";
    ModelFamily animateDiff =
        ModelFamily.all().stream()
            .filter(f -> f.templates().containsKey(name))
            .findFirst()
            .orElseThrow();
    CheckpointTemplate tiny = requireNonNull(animateDiff.templates().get(name));
    tiny.write(
        new CheckpointTemplate.Order(
            folder.resolve("animatediff"), DType.F32, tiny.defaultComponents(), (w, t) -> {}));
    Path pictures = Files.createDirectory(folder.resolve("pictures"));
    var grey = new VideoClip(new float[3 * 32 * 32], 1, 32, 32, 8);
    PngWriter.write(pictures.resolve("p.png"), grey.frame(0));
    Files.writeString(pictures.resolve("p.txt"), "grey");
    String job =
        JOB.replace("checkpoint", "animatediff")
            .replace("path: clips, sizes: [32x32x9]", "sets: %s, pixels: 32x32");
    try (VideoModel model = animateDiff.open(folder.resolve("animatediff"))) {
      Files.writeString(
          folder.resolve("job.yaml"), job.formatted("[{path: clips}, {path: pictures}]"));
      assertThat(open(model).sizes())
          .isNotEmpty()
          .extracting(VideoSize::frames)
          .allMatch(frames -> frames > 1);
      Files.writeString(folder.resolve("job.yaml"), job.formatted("[{path: pictures}]"));
      assertThatThrownBy(() -> open(model))
          .isInstanceOf(CheckpointException.class)
          .hasMessageContaining(
              "data: expected videos, found 1 pictures: one frame does not divide");
    }
  }

  @ParameterizedTest
  @CsvSource({"900, 100", "0, 1001", "1000, 1000", "-1, 500"})
  void timesteps_areARangeOfTheCheckpoints(int least, int greatest) throws IOException {
    Files.writeString(
        folder.resolve("job.yaml"),
        JOB.replace(
            "seed: 5", "seed: 5, min_timestep: %d, max_timestep: %d".formatted(least, greatest)));
    try (VideoModel model = family().open(folder.resolve("checkpoint"))) {
      assertThatThrownBy(() -> open(model))
          .isInstanceOf(CheckpointException.class)
          .hasMessageContaining(
              "train.min_timestep, train.max_timestep: expected the lower first, both from 0 to"
                  + " 1000.0, found %d.0 to %d.0",
              least, greatest);
    }
  }

  @Test
  void weightsOfNoneButStagesOutside_areRefused() throws IOException {
    Files.writeString(
        folder.resolve("job.yaml"),
        JOB.replace("{count: 2,", "{count: 2, weights: [1, 0],")
            .replace("seed: 5", "seed: 5, max_timestep: 500"));
    try (VideoModel model = family().open(folder.resolve("checkpoint"))) {
      assertThatThrownBy(() -> open(model))
          .isInstanceOf(CheckpointException.class)
          .hasMessageEndingWith(
              "job.yaml: stages.weights: expected one above 0 of the stages at timesteps that are"
                  + " trained, [1], found [1.0, 0.0]");
    }
  }

  @Test
  void weightsThatAreNotThere_areRefusedWithTheNearest() throws IOException {
    Files.writeString(
        folder.resolve("job.yaml"),
        JOB.replace("lora: {rank: 2, alpha: 4}\n", "")
            .replace("{steps: 3,", "{steps: 3, weights: [blocks.0.attn1.to_w],"));
    try (VideoModel model = family().open(folder.resolve("checkpoint"))) {
      assertThatThrownBy(() -> open(model))
          .hasMessageContaining("train.weights: 'blocks.0.attn1.to_w' matches no tensor")
          .hasMessageContaining("the nearest is 'blocks.0.attn1.to_");
    }
  }

  /** The oracle is the pipeline, which loads conditioning, denoiser and LoRA by itself. */
  @Test
  void samplesOnTheWay_areWhatThePipelineMakesOfTheFinishedLora() throws IOException {
    Files.writeString(
        folder.resolve("job.yaml"),
        JOB.replace("steps: 3", "steps: 2")
            .replace("learning_rate: 1e-3", "learning_rate: 1e-2")
            .replace(
                "output:",
                "sample: {prompts: [a red ball], every: 5, steps: 3, guidance: 2, seed: 7}\noutput:"));
    var sampled = new ArrayList<Latents>();
    var listener =
        new TrainingListener() {
          @Override
          public void sampled(int step, int prompt, Latents latents) {
            sampled.add(latents);
          }
        };
    try (VideoModel model = family().open(folder.resolve("checkpoint"));
        var engine = TorchEngine.cpu()) {
      ResolvedJob job = open(model);
      var prepared = job.prepare(new ModelEncoders(model, engine), (v, d, t) -> {});
      Trainer.train(job.run(prepared.clips(), Start.FRESH), engine, listener);
      assertThat(sampled).hasSize(1);

      var lora = LoraFile.read(folder.resolve("out").resolve(ResolvedJob.LORA_FILE)).weights();
      var request =
          GenerationRequest.of("a red ball")
              .withSize(job.sampleSize())
              .withSeed(7)
              .withSampling(
                  SamplingChoice.open()
                      .withStages(StageChoice.of(job.diffusion().stages()))
                      .withSteps(3)
                      .withGuidance(2));
      var parts = PipelineParts.of(LoraModels.applied(model, lora, 1), engine);
      Latents expected =
          new VideoPipeline(parts).generate(request, GenerationListener.silent()).latents();
      // fp32 in another order of segments: conditioning once, or with every step.
      for (int i = 0; i < expected.data().length; i++) {
        assertThat(sampled.get(0).data()[i]).isCloseTo(expected.data()[i], within(1e-4f));
      }
    }
  }

  /** The forms that other tools load, at every save, with the same matrices. */
  @Test
  void formatsThatAreAskedFor_lieBesideTheLora() throws IOException {
    Files.writeString(
        folder.resolve("job.yaml"),
        JOB.replace("save_every: 2", "save_every: 2, formats: [comfyui, kohya]"));
    try (VideoModel model = family().open(folder.resolve("checkpoint"));
        var engine = TorchEngine.cpu()) {
      ResolvedJob job = open(model);
      var prepared = job.prepare(new ModelEncoders(model, engine), (v, d, t) -> {});
      Trainer.train(job.run(prepared.clips(), Start.FRESH), engine, new TrainingListener() {});
    }
    LoraFile expected = LoraFile.read(folder.resolve("out").resolve(ResolvedJob.LORA_FILE));
    for (LoraFormat format : List.of(LoraFormat.COMFYUI, LoraFormat.KOHYA)) {
      String name = "pytorch_lora_weights." + format.name().toLowerCase(Locale.ROOT);
      LoraFile read = LoraFile.read(folder.resolve("out").resolve(name + ".safetensors"));
      assertThat(read.format()).isEqualTo(format);
      assertThat(read.weights().pairs().keySet()).isEqualTo(expected.weights().pairs().keySet());
      expected
          .weights()
          .pairs()
          .forEach(
              (module, pair) -> {
                var other = requireNonNull(read.weights().pairs().get(module));
                assertThat(other.scale()).isEqualTo(pair.scale());
                assertThat(other.a()).isEqualTo(pair.a());
                assertThat(other.b()).isEqualTo(pair.b());
              });
      assertThat(read.weights().metadata()).containsEntry("tpdiff.step", "3");
      if (format == LoraFormat.KOHYA) {
        assertThat(read.weights().metadata())
            .containsEntry("ss_output_name", "checkpoint LoRA")
            .containsEntry("ss_network_dim", "2")
            .containsEntry("ss_network_alpha", "4.0");
      }
    }
  }
}
