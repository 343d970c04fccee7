package io.github.tpdiff.lora.job;

import io.github.tpdiff.lora.train.SampleShown;
import io.github.tpdiff.lora.train.SampleWriter;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.media.ContactSheet;
import io.github.tpdiff.runtime.media.PngWriter;
import io.github.tpdiff.runtime.media.VideoWriter;
import io.github.tpdiff.runtime.model.PipelineParts;
import io.github.tpdiff.runtime.pipeline.GeneratedVideo;
import io.github.tpdiff.runtime.pipeline.GenerationListener;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;

/**
 * Writes sampled videos into {@code samples} of a job's output folder, those of one frame as
 * pictures. The decoder is loaded for one at a time.
 *
 * @param job whose videos they are
 * @param engine that decodes
 */
record SampleFiles(ResolvedJob job, Engine engine) implements SampleWriter {
  private static final int SHEET_COLUMNS = 4;

  /** Enough to see what a video shows, little enough to keep one of every sample. */
  private static final int SHEET_WIDTH = 1280;

  @Override
  public SampleShown write(int step, int prompt, Latents latents) {
    int frames = job.model().description().latents().frames(latents.frames());
    Path file = job.job().output().sample(step, prompt, frames == 1 ? "png" : "mp4");
    try (var parts = PipelineParts.of(job.model(), engine)) {
      double fps = job.sizes().get(0).fps();
      var video = new GeneratedVideo(parts, latents, fps, GenerationListener.silent());
      var row = new ContactSheet.Row(SHEET_COLUMNS, frames);
      if (frames == 1) {
        video.<IOException>decode(
            frame -> {
              PngWriter.write(file, frame);
              row.pass(frame);
            });
      } else {
        VideoWriter.write(file, video, row::pass);
      }
      return new SampleShown(step, prompt, file, row.sheetWithin(SHEET_WIDTH).png());
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }
}
