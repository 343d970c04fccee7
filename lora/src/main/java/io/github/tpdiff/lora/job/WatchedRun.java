package io.github.tpdiff.lora.job;

import io.github.tpdiff.lora.data.Preparation.Prepared;
import io.github.tpdiff.lora.report.ReportPage;
import io.github.tpdiff.lora.report.ReportSubject;
import io.github.tpdiff.lora.train.TrainingRun;
import io.github.tpdiff.runtime.diffusion.StagePlan;
import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.model.Conditions;
import io.github.tpdiff.runtime.model.PipelineParts;
import io.github.tpdiff.runtime.pipeline.PictureEncoder;
import io.github.tpdiff.runtime.pipeline.RequestedPictures;
import io.github.tpdiff.runtime.pipeline.VideoSize;

/**
 * A job's training with what people look at while it goes: the files of its samples and the page.
 *
 * @param job that is trained
 * @param prepared its data
 * @param engine that encodes the samples' pictures and decodes their videos; the caller's to close
 */
public record WatchedRun(ResolvedJob job, Prepared prepared, Engine engine) {
  /** The training, from the beginning or the newest state of the output folder. */
  public TrainingRun from(TrainingRun.Start start) {
    TrainingRun run = job.run(prepared.clips(), start, this::encode);
    return run.samples()
        .map(samples -> run.sampled(samples.writtenBy(new SampleFiles(job, engine))))
        .orElse(run)
        .loggedIn(ReportPage.of(subject()));
  }

  private Conditions encode(RequestedPictures pictures, VideoSize size, StagePlan plan) {
    try (var parts = PipelineParts.of(job.model(), engine);
        var encoder = PictureEncoder.open(parts)) {
      return encoder.encode(
          own -> pictures.prepared(job.model().description().flow(), own), size, plan);
    }
  }

  private ReportSubject subject() {
    return new ReportSubject(
        job.title().orElseGet(() -> String.valueOf(job.job().output().folder().getFileName())),
        new JobSamples(job).captions(),
        prepared.report().table(),
        JobSettings.of(job.filled()).yaml());
  }
}
