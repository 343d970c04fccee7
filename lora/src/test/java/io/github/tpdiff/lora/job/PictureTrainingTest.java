package io.github.tpdiff.lora.job;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.tpdiff.lora.LoraModels;
import io.github.tpdiff.lora.data.CachedSet;
import io.github.tpdiff.lora.data.ModelEncoders;
import io.github.tpdiff.lora.train.Trainer;
import io.github.tpdiff.lora.train.TrainingListener;
import io.github.tpdiff.lora.train.TrainingOutcome;
import io.github.tpdiff.lora.train.TrainingRun.Start;
import io.github.tpdiff.runtime.cost.Machine;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.media.VideoWriter;
import io.github.tpdiff.runtime.model.CheckpointTemplate;
import io.github.tpdiff.runtime.model.ModelFamily;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.runtime.torch.TorchEngine;
import io.github.tpdiff.runtime.video.VideoClip;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.lora.LoraFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Jobs of models that take pictures or have two denoisers, on made-up checkpoints. */
final class PictureTrainingTest {
  private static final int SIDE = 64;

  @TempDir private Path folder;

  @BeforeEach
  void writeClips() throws IOException {
    Files.createDirectory(folder.resolve("clips"));
    for (int i = 0; i < 2; i++) {
      float[] data = new float[3 * 9 * SIDE * SIDE];
      for (int j = 0; j < data.length; j++) {
        data[j] = (float) Math.sin(0.003 * j * (i + 1));
      }
      VideoWriter.write(
          folder.resolve("clips/" + i + ".mp4"), new VideoClip(data, 9, SIDE, SIDE, 8));
      Files.writeString(folder.resolve("clips/" + i + ".txt"), "waves");
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

  private TrainingJob job(String more) throws IOException {
    Path file = folder.resolve("job.yaml");
    Files.writeString(
        file,
        """
        model: {path: checkpoint}
        data: {path: clips, sizes: [64x64x9], fps: 8}
        stages: {count: 2}
        lora: {rank: 2}
        output: {folder: out}
        """
            + more);
    return TrainingJob.read(file);
  }

  private static List<String> dryRun(ResolvedJob job) {
    var products = new Machine.Products(1e11, 1e10);
    return DryRun.of(job, new Machine(products, products, 1e11, 1e10, 1e-5)).notes();
  }

  private List<Latents> train(ResolvedJob job, TorchEngine engine, CachedSet clips) {
    var samples = new ArrayList<Latents>();
    TrainingOutcome outcome =
        Trainer.train(
            job.run(clips, Start.FRESH),
            engine,
            new TrainingListener() {
              @Override
              public void sampled(int step, int prompt, Latents latents) {
                samples.add(latents);
              }
            });
    assertThat(outcome.end()).isEqualTo(TrainingOutcome.End.FINISHED);
    return samples;
  }

  @Test
  void modelThatNeedsAPicture_isTrainedAndSampledWithThoseOfItsClips() throws IOException {
    try (VideoModel model = open("wan-i2v-tiny");
        var engine = TorchEngine.cpu()) {
      ResolvedJob job =
          ResolvedJob.of(
              job("train: {steps: 1}\nsample: {prompts: [waves], steps: 2, guidance: 2}\n"), model);
      assertThat(dryRun(job)).contains("pictures: each clip's own first frame; for every clip");
      CachedSet clips = job.prepare(new ModelEncoders(model, engine), (v, d, t) -> {}).clips();
      assertThat(clips.conditions(0).pictures().values()).isNotEmpty();
      assertThat(train(job, engine, clips)).hasSize(1).allMatch(Latents::isFinite);
      var lora = LoraFile.read(folder.resolve("out").resolve(ResolvedJob.LORA_FILE)).weights();
      assertThat(LoraModels.leftOut(model, lora)).isEmpty();
      assertThatThrownBy(() -> ResolvedJob.of(job("train: {picture_dropout: 0.1}\n"), model))
          .isInstanceOf(CheckpointException.class)
          .hasMessageContaining(
              "train.picture_dropout: this model makes no video without a picture");
    }
  }

  @Test
  void picturesOfSamplesThatAreNotThere_areNamedBeforeAnyWork() throws IOException {
    Path prompts = Files.writeString(folder.resolve("prompts.txt"), "waves\nmore --i none.png\n");
    try (VideoModel model = open("wan-i2v-tiny")) {
      assertThatThrownBy(() -> ResolvedJob.of(job("sample: {file: prompts.txt}\n"), model))
          .isInstanceOf(CheckpointException.class)
          .hasMessageStartingWith(prompts + ": line 2: " + folder.resolve("none.png"));
      assertThatThrownBy(
              () -> ResolvedJob.of(job("sample: {prompts: [a], size: 32x32x9}\n"), model))
          .isInstanceOf(CheckpointException.class)
          .hasMessageContaining("sample.size: expected a size of clips, whose pictures are shown,")
          .hasMessageEndingWith("found 32x32x9");
    }
  }

  @Test
  void framesThatPicturesGive_areThoseOfTheSamples_andHalfOfTheClipsAreShownWithout()
      throws IOException {
    try (VideoModel model = open("wan22-5b-tiny");
        var engine = TorchEngine.cpu()) {
      ResolvedJob job =
          ResolvedJob.of(
              job(
                  """
                  train: {steps: 2}
                  sample: {prompts: [waves], every: 2, steps: 2, guidance: 2, pictures: true}
                  """),
              model);
      assertThat(dryRun(job).toString())
          .contains("for 50 % of the clips, the others are shown without");
      assertThat(JobSettings.of(job.filled()).identity())
          .containsEntry("train.picture_dropout", "0.5");
      CachedSet clips = job.prepare(new ModelEncoders(model, engine), (v, d, t) -> {}).clips();
      assertThat(clips.conditions(0).givenFrames(1)).containsExactly(1);
      Latents sample = train(job, engine, clips).get(0);
      // Latents of the clip begin with those of its first frame alone.
      Latents clip = clips.latents(0);
      int pixels = clip.shape().pixels();
      int channel = clip.frames() * pixels;
      for (int c = 0; c < clip.shape().channels(); c++) {
        for (int p = 0; p < pixels; p++) {
          assertThat(sample.data()[c * channel + p])
              .isCloseTo(clip.data()[c * channel + p], within(1e-3f));
        }
      }
    }
  }

  @Test
  void jobOfAModelWithoutPictures_isResumedUnderTheNamesItHad() throws IOException {
    try (VideoModel model = open("wan-tiny")) {
      ResolvedJob job = ResolvedJob.of(job("train: {steps: 1}\n"), model);
      assertThat(JobSettings.of(job.filled()).identity().keySet())
          .noneMatch(key -> key.contains("picture") || key.equals("model.denoiser"));
      assertThat(dryRun(job)).isEmpty();
      assertThatThrownBy(() -> ResolvedJob.of(job("train: {picture_dropout: 0.1}\n"), model))
          .hasMessageContaining("train.picture_dropout: this model is told of no picture");
      assertThatThrownBy(
              () ->
                  ResolvedJob.of(
                      job("sample: {prompts: [waves], pictures: true}\ntrain: {steps: 1}\n"),
                      model))
          .hasMessageContaining("sample.pictures: this model is told of none");
    }
  }

  @Test
  void modelOfTwoDenoisers_hasARunForEach_unlessOneIsNamed() throws IOException {
    try (VideoModel model = open("wan22-a14b-tiny")) {
      TrainingJob both = job("train: {steps: 1}\n");
      assertThat(JobRuns.of(both, model))
          .extracting(run -> run.expert().orElseThrow())
          .containsExactly("high_noise", "low_noise");
      assertThat(JobRuns.of(both, model))
          .extracting(run -> run.job().output().folder())
          .containsExactly(folder.resolve("out/high_noise"), folder.resolve("out/low_noise"));
      assertThatThrownBy(
              () -> JobRuns.of(job("sample: {prompts: [waves]}\ntrain: {steps: 1}\n"), model))
          .hasMessageContaining("sample.prompts: a video asks 2 denoisers");
    }
  }
}
