package io.github.tpdiff.lora.job;

import io.github.tpdiff.lora.train.PhasedDiffusion;
import io.github.tpdiff.runtime.diffusion.LatentGrid;
import io.github.tpdiff.runtime.diffusion.Stage;
import io.github.tpdiff.runtime.diffusion.TimeRange;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** What is trained at which times, and shown of pictures, in words. */
final class JobNotes {
  private JobNotes() {}

  static List<String> of(ResolvedJob job) {
    var notes = new ArrayList<String>();
    PhasedDiffusion diffusion = job.diffusion();
    TimeRange times = diffusion.times();
    job.expert()
        .ifPresent(
            name ->
                notes.add(
                    String.format(
                        Locale.ROOT,
                        "%s is trained at times %.4f to %.4f, at which a video asks it",
                        name,
                        times.start(),
                        times.end())));
    job.pictures().words().ifPresent(notes::add);
    notes.addAll(LoraNotes.of(job));
    OpenPositions.note(job).ifPresent(notes::add);
    LatentGrid grid =
        job.sizes()
            .get(0)
            .latentShape(job.model().description().latents(), diffusion.stages())
            .grid();
    for (Stage stage : diffusion.plan(grid).stages()) {
      if (times.within(stage).isEmpty()) {
        notes.add(
            String.format(
                Locale.ROOT,
                "stage %d, times %.4f to %.4f, is wholly outside: never visited",
                stage.number(),
                stage.start(),
                stage.end()));
      }
    }
    return notes;
  }
}
