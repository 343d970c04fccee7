package io.github.tpdiff.lora.job;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.google.common.io.MoreFiles;
import com.google.common.io.RecursiveDeleteOption;
import io.github.tpdiff.lora.LoraModels;
import io.github.tpdiff.lora.data.CachedSet;
import io.github.tpdiff.lora.data.ModelEncoders;
import io.github.tpdiff.lora.train.Trainer;
import io.github.tpdiff.lora.train.TrainingListener;
import io.github.tpdiff.lora.train.TrainingOutcome;
import io.github.tpdiff.lora.train.TrainingProgress;
import io.github.tpdiff.lora.train.TrainingRun.Start;
import io.github.tpdiff.runtime.cost.Machine;
import io.github.tpdiff.runtime.diffusion.CleanPair;
import io.github.tpdiff.runtime.diffusion.GridFactor;
import io.github.tpdiff.runtime.diffusion.LatentGrid;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.diffusion.Stage;
import io.github.tpdiff.runtime.diffusion.StagePlan;
import io.github.tpdiff.runtime.media.PngWriter;
import io.github.tpdiff.runtime.media.VideoWriter;
import io.github.tpdiff.runtime.model.CheckpointTemplate;
import io.github.tpdiff.runtime.model.ModelFamily;
import io.github.tpdiff.runtime.model.PipelineParts;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.runtime.pipeline.GenerationListener;
import io.github.tpdiff.runtime.pipeline.GenerationRequest;
import io.github.tpdiff.runtime.pipeline.SamplingChoice;
import io.github.tpdiff.runtime.pipeline.VideoPipeline;
import io.github.tpdiff.runtime.torch.TorchEngine;
import io.github.tpdiff.runtime.video.VideoClip;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.lora.LoraFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Jobs whose stages aim at smaller videos, on made-up checkpoints. */
final class PixelTargetsTest {
  private static final int SIDE = 64;
  private static final String CUBES = "stages: {rates: [[2, 2, 2]], targets: pixel}\n";

  @TempDir private Path folder;

  @BeforeEach
  void writeClips() throws IOException {
    Files.createDirectory(folder.resolve("clips"));
    for (int i = 0; i < 2; i++) {
      float[] data = new float[3 * 9 * SIDE * SIDE];
      for (int j = 0; j < data.length; j++) {
        data[j] = (float) Math.sin(0.003 * j * (i + 1));
      }
      var clip = new VideoClip(data, 9, SIDE, SIDE, 8);
      VideoWriter.write(folder.resolve("clips/" + i + ".mp4"), clip);
      Files.writeString(folder.resolve("clips/" + i + ".txt"), "waves");
      // A picture that is not the clip's first frame.
      PngWriter.write(folder.resolve("clips/" + i + ".png"), clip.frame(4 + i));
    }
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

  private TrainingJob job(String data, String more) throws IOException {
    Path file = folder.resolve("job.yaml");
    Files.writeString(
        file,
        """
        model: {path: checkpoint}
        data: {path: clips, fps: 8, %s}
        lora: {rank: 2}
        """
                .formatted(data)
            + more);
    return TrainingJob.read(file);
  }

  private static CachedSet prepare(ResolvedJob job, TorchEngine engine) {
    return job.prepare(new ModelEncoders(job.model(), engine), (v, d, t) -> {}).clips();
  }

  /** What a run tells, which stops after so many steps. */
  private static final class Watch implements TrainingListener {
    private final int stopAfter;
    private int steps;
    private final List<Latents> samples = new ArrayList<>();
    private final List<Map<Integer, Double>> validations = new ArrayList<>();

    Watch(int stopAfter) {
      this.stopAfter = stopAfter;
    }

    @Override
    public void stepped(TrainingProgress done) {
      steps++;
    }

    @Override
    public boolean stopAsked() {
      return steps >= stopAfter;
    }

    @Override
    public void sampled(int step, int prompt, Latents latents) {
      samples.add(latents);
    }

    @Override
    public void validated(int step, Map<Integer, Double> losses) {
      validations.add(losses);
    }
  }

  /** Each frame is encoded for itself, so a video of every second one is nothing else. */
  @Test
  void autoencoderOfSingleFrames_givesTheSameFromBothTargets_overTimeAlone() throws IOException {
    try (VideoModel model = open("animatediff-tiny");
        var engine = TorchEngine.cpu()) {
      String size = "sizes: [32x32x8], validation: 0";
      ResolvedJob pixel = ResolvedJob.of(job(size, "stages: {targets: pixel}\n"), model);
      ResolvedJob latent = ResolvedJob.of(job(size, "stages: {count: 3}\n"), model);
      CachedSet clips = prepare(pixel, engine);
      LatentGrid grid = clips.shapes().get(0).grid();
      StagePlan own = pixel.diffusion().plan(grid);
      StagePlan plan = latent.diffusion().plan(grid);
      assertThat(own.stages()).hasSize(3);
      for (Stage stage : plan.stages()) {
        CleanPair expected = clips.cleanPair(1, plan, stage);
        CleanPair found = clips.cleanPair(1, own, own.stage(stage.number()));
        assertThat(found.own().data()).containsExactly(expected.own().data());
        assertThat(found.coarser().map(Latents::shape))
            .isEqualTo(expected.coarser().map(Latents::shape));
        assertThat(found.coarser().map(x -> x.data()[3]))
            .isEqualTo(expected.coarser().map(x -> x.data()[3]));
      }
    }
  }

  /** Of both kinds; the file's name is that of a clip whose picture the sample shows. */
  @ParameterizedTest
  @ValueSource(strings = {"wan-i2v-tiny", "wan22-5b-tiny"})
  void samplesOnTheWay_areWhatThePipelineMakesOfTheSamePicture(String template) throws IOException {
    try (VideoModel model = open(template);
        var engine = TorchEngine.cpu()) {
      ResolvedJob job =
          ResolvedJob.of(
              job(
                  "sizes: [64x64x9], pictures: files, validation: 0.5",
                  CUBES
                      + """
                      train: {steps: 1, validate_every: 1}
                      sample: {prompts: [waves], steps: 3, guidance: 2, seed: 7, pictures: true}
                      """),
              model);
      CachedSet clips = prepare(job, engine);
      var watch = new Watch(99);
      TrainingOutcome outcome = Trainer.train(job.run(clips, Start.FRESH), engine, watch);
      assertThat(outcome.end()).isEqualTo(TrainingOutcome.End.FINISHED);
      assertThat(watch.validations).hasSize(2).allMatch(losses -> losses.keySet().size() == 2);
      var lora = LoraFile.read(folder.resolve("output").resolve(ResolvedJob.LORA_FILE)).weights();
      var parts = PipelineParts.of(LoraModels.applied(model, lora, 1), engine);
      Latents sample = watch.samples.get(0);
      // Which clip is held out its content decides.
      List<Latents> made = new ArrayList<>();
      for (int i = 0; i < 2; i++) {
        made.add(
            new VideoPipeline(parts)
                .generate(
                    GenerationRequest.of("waves")
                        .withSize(job.sampleSize())
                        .withSeed(7)
                        .withPicture(folder.resolve("clips/" + i + ".png"))
                        .withSampling(SamplingChoice.open().withSteps(3).withGuidance(2)),
                    GenerationListener.silent())
                .latents());
      }
      assertThat(made.stream().mapToDouble(each -> distance(each, sample)).min().orElseThrow())
          .isCloseTo(0, within(1e-4));
      assertThat(made.stream().mapToDouble(each -> distance(each, sample)).max().orElseThrow())
          .isGreaterThan(1e-2);
    }
  }

  private static double distance(Latents one, Latents other) {
    double most = 0;
    for (int i = 0; i < one.data().length; i++) {
      most = Math.max(most, Math.abs(one.data()[i] - other.data()[i]));
    }
    return most;
  }

  @Test
  void interruptedJob_isResumedBitForBit() throws IOException {
    try (VideoModel model = open("wan22-5b-tiny");
        var engine = TorchEngine.cpu()) {
      ResolvedJob whole = ResolvedJob.of(resumed("whole"), model);
      CachedSet clips = prepare(whole, engine);
      Trainer.train(whole.run(clips, Start.FRESH), engine, new Watch(99));
      ResolvedJob parts = ResolvedJob.of(resumed("parts"), model);
      var first = new Watch(1);
      assertThat(Trainer.train(parts.run(clips, Start.FRESH), engine, first).end())
          .isEqualTo(TrainingOutcome.End.STOPPED);
      Trainer.train(parts.run(prepare(parts, engine), Start.RESUME), engine, new Watch(99));
      Path lora = Path.of(ResolvedJob.LORA_FILE);
      assertThat(folder.resolve("parts").resolve(lora))
          .hasSameBinaryContentAs(folder.resolve("whole").resolve(lora));
      ResolvedJob latent =
          ResolvedJob.of(
              job(
                  "sizes: [64x64x9]",
                  CUBES.replace("pixel", "latent")
                      + "train: {steps: 3, batch_size: 2}\noutput: {folder: parts}\n"),
              model);
      assertThatThrownBy(
              () ->
                  Trainer.train(latent.run(clips, Start.RESUME), engine, new TrainingListener() {}))
          .hasMessageContaining("stages.targets");
    }
  }

  private TrainingJob resumed(String output) throws IOException {
    return job(
        "sizes: [64x64x9]",
        CUBES
            + "train: {steps: 3, batch_size: 2}\noutput: {folder: %s, save_every: 1}\n"
                .formatted(output));
  }

  private static Machine machine() {
    // No time but that of arithmetic, so that it grows with what is encoded.
    var products = new Machine.Products(1e11, 1e30);
    return new Machine(products, products, 1e11, 1e30, 0);
  }

  @Test
  void preparation_isPricedForEveryGridAndBesideLatentTargets() throws IOException {
    try (VideoModel model = open("wan-tiny")) {
      String size = "sizes: [64x64x17]";
      ResolvedJob job =
          ResolvedJob.of(
              job(size, "stages: {rates: [[2, 2, 2], [2, 2, 2]], targets: pixel}\n"), model);
      assertThat(job.preparation().strides())
          .containsExactly(GridFactor.cube(4), GridFactor.cube(2));
      PreparationCost cost = PreparationCost.of(job, machine());
      assertThat(cost.rows())
          .extracting(PreparationCost.Row::grid)
          .containsExactly(
              new LatentGrid(5, 8, 8), new LatentGrid(2, 2, 2), new LatentGrid(3, 4, 4));
      int channels = model.description().latents().channels();
      assertThat(cost.rows())
          .extracting(PreparationCost.Row::bytes)
          .containsExactly(4L * channels * 320, 4L * channels * 8, 4L * channels * 48);
      // 3/5 of the frames of a quarter of the pixels, and 2/5 of a sixteenth; the first frame,
      // which is fewer pixels, is a larger part of a shorter clip.
      assertThat(cost.rows().get(2).seconds() / cost.latentSeconds()).isBetween(0.11, 0.16);
      assertThat(cost.rows().get(1).seconds() / cost.latentSeconds()).isBetween(0.012, 0.028);
      assertThat(cost.bytes() / cost.latentBytes()).isCloseTo(376.0 / 320, within(1e-12));
      assertThat(cost.table(12))
          .hasSize(5)
          .last()
          .asString()
          .startsWith("encoding 12 clips, or what of them is not cached: about ")
          .endsWith(" times the time and 1.18 times the space of targets: latent");
      DryRun dry = DryRun.of(job, machine());
      assertThat(dry.rows().get(0).grid()).isEqualTo(new LatentGrid(2, 2, 2));
      assertThat(dry.table().toString()).contains("2x2x2").contains("5x8x8");

      ResolvedJob latent = ResolvedJob.of(job(size, "stages: {rates: [[2, 2, 2]]}\n"), model);
      assertThat(latent.preparation().strides()).isEmpty();
      assertThat(PreparationCost.of(latent, machine()).table(12)).isEmpty();
      assertThat(PreparationCost.of(latent, machine()).seconds()).isEqualTo(cost.latentSeconds());
    }
  }

  /** A clip with a picture behind grey is encoded twice over, one with a given frame hardly. */
  @Test
  void picturesTakeTheTimeOfWhatIsEncodedOfThem() throws IOException {
    for (String template : List.of("wan-i2v-tiny", "wan22-5b-tiny")) {
      try (VideoModel model = open(template)) {
        ResolvedJob job = ResolvedJob.of(job("sizes: [64x64x9]", CUBES), model);
        List<PreparationCost.Row> told = PreparationCost.of(job, machine()).rows();
        var components = List.of("vae_encoder", "vae_encoder/first");
        assertThat(components).allMatch(name -> model.find(name).isPresent());
        int masks = template.equals("wan-i2v-tiny") ? 4 : 1;
        LatentGrid grid = told.get(1).grid();
        int values = grid.frames() * grid.height() * grid.width();
        int channels = model.description().latents().channels();
        assertThat(told.get(1).bytes()).isEqualTo(4L * (2 * channels + masks) * values);
        Optional<PreparationCost.Row> longer =
            Optional.of(ResolvedJob.of(job("sizes: [64x64x17]", CUBES), model))
                .map(other -> PreparationCost.of(other, machine()).rows().get(1));
        // Two latent frames more, of a clip or of a clip and its picture.
        assertThat(longer.orElseThrow().seconds()).isGreaterThan(told.get(1).seconds());
      }
      MoreFiles.deleteRecursively(
          folder.resolve("checkpoint"), RecursiveDeleteOption.ALLOW_INSECURE);
    }
  }
}
