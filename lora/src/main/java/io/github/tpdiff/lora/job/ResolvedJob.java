package io.github.tpdiff.lora.job;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.lora.ModulePattern;
import io.github.tpdiff.lora.data.CachedSet;
import io.github.tpdiff.lora.data.ClipEncoders;
import io.github.tpdiff.lora.data.ClipSizes;
import io.github.tpdiff.lora.data.DataManifest;
import io.github.tpdiff.lora.data.Preparation;
import io.github.tpdiff.lora.data.PreparationReport;
import io.github.tpdiff.lora.data.PreparationRequest;
import io.github.tpdiff.lora.train.FolderLock;
import io.github.tpdiff.lora.train.PhasedClips;
import io.github.tpdiff.lora.train.PhasedDiffusion;
import io.github.tpdiff.lora.train.SnapshotWriter;
import io.github.tpdiff.lora.train.StateFolder;
import io.github.tpdiff.lora.train.TrainingRun;
import io.github.tpdiff.lora.train.Validation;
import io.github.tpdiff.runtime.diffusion.FrameResampling;
import io.github.tpdiff.runtime.diffusion.LatentGrid;
import io.github.tpdiff.runtime.diffusion.LossWeighting;
import io.github.tpdiff.runtime.diffusion.NoiseSchedule;
import io.github.tpdiff.runtime.diffusion.PositionRules;
import io.github.tpdiff.runtime.diffusion.Scheduler;
import io.github.tpdiff.runtime.diffusion.SpaceResampling;
import io.github.tpdiff.runtime.diffusion.Stage;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.diffusion.StagePlan;
import io.github.tpdiff.runtime.diffusion.StageWeights;
import io.github.tpdiff.runtime.diffusion.TimestepSampling;
import io.github.tpdiff.runtime.model.ModelDescription;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.runtime.pipeline.VideoSize;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.lora.LoraFormat;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * A job with everything that it leaves to the checkpoint decided, and checked against it.
 *
 * @param job as written
 * @param model the opened checkpoint, not closed
 * @param diffusion stages, times, alignment
 * @param clipSizes that clips may have; each fits the VAE and the stages
 * @param files what the job's files said
 */
public record ResolvedJob(
    TrainingJob job,
    VideoModel model,
    PhasedDiffusion diffusion,
    ClipSizes clipSizes,
    JobFiles files) {
  /** Name of the LoRA file in the output folder, of a model with one denoiser. */
  public static final String LORA_FILE = "pytorch_lora_weights.safetensors";

  /** Name of the file of tensors trained in full, likewise. */
  public static final String WEIGHTS_FILE = "trained_weights.safetensors";

  private static final String ENDING = ".safetensors";

  /** Sizes that clips may have, as far as is known before they are cut. */
  public List<VideoSize> sizes() {
    return clipSizes.all();
  }

  /**
   * Decides, and finds everything wrong with the job that needs no video to be cut.
   *
   * <p>Only where sizes are chosen from the data is the beginning of every file read.
   *
   * @throws CheckpointException if a size does not fit the VAE or the stages, naming the nearest
   *     that do, or a pattern matches nothing; the message begins with the job's file
   */
  public static ResolvedJob of(TrainingJob job, VideoModel model) {
    try {
      var resolved =
          decide(
              job,
              job.model()
                  .scheduler()
                  .map(name -> model.withDescription(model.description().withScheduler(name)))
                  .orElse(model));
      job.lora()
          .origin()
          .requireOthersThan(
              job.output().formats().stream()
                  .map(format -> job.output().folder().resolve(resolved.loraFile(format)))
                  .toList());
      job.train().settings().descent().requireFit(resolved.target().trainedTensors());
      resolved.requireVisited();
      resolved.target().requireLorasBelow(); // finds what does not fit
      JobPictures.of(job, model);
      new JobSamples(resolved).require();
      return resolved;
    } catch (IllegalArgumentException wrong) {
      throw new CheckpointException("%s: %s".formatted(job.file(), wrong.getMessage()), wrong);
    }
  }

  private static ResolvedJob decide(TrainingJob job, VideoModel model) {
    ModelDescription description = model.description();
    NoiseSchedule schedule = Scheduler.fromConfig(description.scheduler()).schedule();
    StageConfig stages = stages(job.stages(), description);
    var denoiser = TrainedDenoiser.of(job, description, schedule);
    var weights =
        job.stages().weights().isEmpty()
            ? StageWeights.uniform(stages.stages())
            : new StageWeights(job.stages().weights());
    var diffusion =
        new PhasedDiffusion(
            stages,
            schedule,
            weights,
            timesteps(job.train(), schedule),
            job.stages().alignment(),
            lossWeighting(job.stages().lossWeights(), stages),
            denoiser.times());
    ClipSizes sizes =
        new JobData(job.data(), description, stages).sizes(JobPictures.of(job, model).need());
    for (VideoSize size : sizes.all()) {
      try {
        diffusion.plan(size.latentShape(description.latents(), stages).grid());
      } catch (IllegalArgumentException wrong) {
        throw new IllegalArgumentException(
            "data.%s: %dx%dx%d: %s"
                .formatted(
                    job.data().buckets().isPresent() ? "frames" : "sizes",
                    size.width(),
                    size.height(),
                    size.frames(),
                    wrong.getMessage()),
            wrong);
      }
    }
    LatentGrid grid = sizes.all().get(0).latentShape(description.latents(), stages).grid();
    return new ResolvedJob(
        job,
        model,
        job.stages().weights().isEmpty()
            ? diffusion.withWeights(denoiser.weights(diffusion.plan(grid)))
            : diffusion,
        sizes,
        JobFiles.read(job));
  }

  /** Finds weights of none but stages that lie outside the times that are trained. */
  private void requireVisited() {
    for (VideoSize size : sizes()) {
      LatentGrid grid = size.latentShape(model.description().latents(), diffusion.stages()).grid();
      StagePlan plan = diffusion.plan(grid);
      List<Stage> visited = diffusion.visited(plan);
      checkArgument(
          visited.stream()
              .anyMatch(
                  stage -> diffusion.weights().weights().get(plan.stages().indexOf(stage)) > 0),
          "stages.weights: expected one above 0 of the stages at timesteps that are trained, %s,"
              + " found %s",
          visited.stream().map(Stage::number).toList(),
          diffusion.weights().weights());
    }
  }

  private static LossWeighting lossWeighting(List<Double> factors, StageConfig stages) {
    checkArgument(
        factors.isEmpty() || factors.size() == stages.stages(),
        "stages.loss_weights: expected %s values, one a stage, found %s",
        stages.stages(),
        factors);
    return factors.isEmpty() ? LossWeighting.uniform() : LossWeighting.ofStages(factors);
  }

  private TrainedDenoiser trained() {
    return TrainedDenoiser.of(job, model.description(), diffusion.schedule());
  }

  /** The denoiser that is trained, by its component's name. */
  String denoiser() {
    return trained().component();
  }

  /** What users call the denoiser that is trained, of a model that has several. */
  public Optional<String> expert() {
    return trained().expert();
  }

  /**
   * The name of the LoRA's file in a form, in the output folder; of a model with two denoisers the
   * one that it is for is in it, as users of other tools expect.
   */
  String loraFile(LoraFormat format) {
    String form =
        format == LoraFormat.DIFFUSERS ? "" : "." + format.name().toLowerCase(Locale.ROOT);
    return ofExpert(LORA_FILE).replace(ENDING, form + ENDING);
  }

  /** Likewise of tensors trained in full. */
  String weightsFile() {
    return ofExpert(WEIGHTS_FILE);
  }

  private String ofExpert(String file) {
    return expert().map(name -> file.replace(ENDING, "." + name + ENDING)).orElse(file);
  }

  private static StageConfig stages(TrainingJob.Stages stages, ModelDescription model) {
    return new StageConfig(
        stages.rates(),
        stages.boundaries(),
        stages.stepSplit(),
        new FrameResampling(
            stages.downsampling(), stages.upsampling(), model.latents().firstFrame()),
        new SpaceResampling(stages.spaceDownsampling(), stages.spaceUpsampling()),
        stages.targets(),
        stages.positions().orElse(PositionRules.scaled()),
        stages.targetScale().orElse(model.targetScale()),
        stages.ends());
  }

  private static TimestepSampling timesteps(TrainingJob.Train train, NoiseSchedule schedule) {
    var sampling =
        switch (FilledJob.timesteps(train, schedule.form())) {
          case UNIFORM -> TimestepSampling.uniform();
          case LOGIT_NORMAL -> TimestepSampling.logitNormal(0, 1);
        };
    return sampling.shifted(FilledJob.shift(train, schedule.form()));
  }

  /** The same told other positions. */
  ResolvedJob withPositions(PositionRules rules) {
    StageConfig stages = diffusion.stages().withPositions(rules);
    return new ResolvedJob(job, model, diffusion.withStages(stages), clipSizes, files);
  }

  /** What a run of this job says of one of its settings, if there was one. */
  Optional<String> recorded(String setting) {
    return states((place, snapshot) -> {}).recorded(setting);
  }

  /** The job with everything said that it leaves to the checkpoint. */
  public TrainingJob filled() {
    return FilledJob.of(this);
  }

  /** The modules that a LoRA changes. */
  List<ModulePattern> targets() {
    return job.lora().targets().isEmpty()
        ? model.loraTargets().stream().map(ModulePattern::new).toList()
        : job.lora().targets();
  }

  /**
   * Takes the output folder before any work; the lock is for {@link
   * io.github.tpdiff.lora.train.Trainer}.
   *
   * @throws CheckpointException if another training has the folder, it cannot be written, or it has
   *     states of an earlier run that is not to go on
   */
  public FolderLock takeFolder(TrainingRun.Start start) {
    Path folder = job.output().folder();
    FolderLock lock = FolderLock.of(folder);
    try {
      states((place, snapshot) -> {}).requireStart(start);
      return lock;
    } catch (RuntimeException refused) {
      lock.close();
      throw refused;
    }
  }

  private StateFolder states(SnapshotWriter writer) {
    TrainingJob.Output output = job.output();
    return new StateFolder(output.folder(), output.saveEvery(), output.keep(), writer);
  }

  /** What is to be prepared; see {@link Preparation#prepare}. */
  public PreparationRequest preparation() {
    TrainingJob.Data data = job.data();
    LatentGrid grid =
        sizes().get(0).latentShape(model.description().latents(), diffusion.stages()).grid();
    var own = new JobData(data, model.description(), diffusion.stages());
    return new PreparationRequest(
        own.sets(clipSizes),
        data.cache(),
        data.negativePrompt(),
        new JobSamples(this).texts(),
        pictures().choice(),
        PreparationRequest.strides(diffusion.plan(grid)),
        own.againstPictures(pictures().need()));
  }

  /** How pictures take part. */
  JobPictures pictures() {
    return JobPictures.of(job, model);
  }

  /**
   * What would become of the data; see {@link Preparation#survey}.
   *
   * @throws CheckpointException if it is not there or comes to nothing
   */
  public PreparationReport survey(ClipEncoders encoders) {
    requireData();
    return Preparation.survey(preparation(), encoders);
  }

  /**
   * Of what became of the data, what is trained on: the rest is held out.
   *
   * @throws CheckpointException if that is nothing
   */
  public PreparationReport training(PreparationReport found) {
    try {
      return found.training(job.data().validation());
    } catch (IllegalArgumentException nothingLeft) {
      throw new CheckpointException(
          "%s: %s".formatted(job.file(), nothingLeft.getMessage()), nothingLeft);
    }
  }

  /** Finds data that is not there while it is known which job said so. */
  public void requireData() {
    job.data().sets().stream()
        .map(TrainingJob.DataFiles::path)
        .filter(path -> !Files.exists(path))
        .findFirst()
        .ifPresent(
            path -> {
              throw new CheckpointException(
                  "%s: %s: expected a folder of videos or pictures, or a list, found %s at %s"
                      .formatted(
                          job.file(),
                          job.data().sets().size() == 1 ? "data.path" : "data.sets",
                          Files.isSymbolicLink(path) ? "a link that leads to nothing" : "nothing",
                          path));
            });
  }

  /**
   * Prepares the data.
   *
   * @throws CheckpointException if it is not there or comes to nothing
   */
  public Preparation.Prepared prepare(
      ClipEncoders encoders, Preparation.PreparationListener listener) {
    requireData();
    return Preparation.prepare(preparation(), encoders, listener);
  }

  /** What the job trains. */
  JobTarget target() {
    return new JobTarget(this);
  }

  /** What must be the same when the run goes on. */
  private Map<String, String> identity() {
    var identity = new LinkedHashMap<>(JobSettings.of(filled()).identity());
    identity.putAll(job.lora().origin().identity());
    return identity;
  }

  /**
   * The training of this job alone; {@link WatchedRun} adds what people look at while it goes.
   *
   * @param clips prepared
   * @param start from the beginning or the newest state of the output folder
   */
  public TrainingRun run(CachedSet clips, TrainingRun.Start start) {
    return run(
        clips,
        start,
        (pictures, size, plan) -> {
          throw new CheckpointException(
              "%s: sample.file: a video begins with a picture (--i), which nothing encodes here; leave it out"
                  .formatted(job.file()));
        });
  }

  /** The same with videos that begin with pictures of their own. */
  TrainingRun run(CachedSet clips, TrainingRun.Start start, JobSamples.Pictures pictures) {
    var results = new JobResults(this);
    SnapshotWriter writer =
        target().injection().map(results::loraWriter).orElseGet(results::weightsWriter);
    CachedSet.Split split = clips.split(job.data().validation());
    Optional<Validation> validation =
        job.data().validation() > 0
            ? Optional.of(
                new Validation(
                    new PhasedClips(split.heldOut(), diffusion, Optional.of(denoiser())),
                    job.train().validateEvery(),
                    4))
            : Optional.empty();
    return new TrainingRun(
        target().training(),
        new PhasedClips(split.training(), diffusion, Optional.of(denoiser())),
        job.train().settings().withPictureDropout(pictures().dropout()),
        Optional.empty(),
        validation,
        new JobSamples(this).of(clips, split, pictures),
        Optional.of(states(new JobRecord(filled(), files.written(), manifest(clips), writer))),
        List.of(),
        start,
        identity());
  }

  /** Exactly what is trained on. */
  public DataManifest manifest(CachedSet clips) {
    return DataManifest.of(clips, job.data().validation());
  }

  /** What the job calls its LoRA; of a model with two denoisers, with the one that it is for. */
  Optional<String> title() {
    return job.output()
        .about()
        .title()
        .map(own -> own + expert().map(name -> " " + name).orElse(""));
  }

  /** Size of the videos made on the way. */
  public VideoSize sampleSize() {
    return new JobSamples(this).size();
  }
}
