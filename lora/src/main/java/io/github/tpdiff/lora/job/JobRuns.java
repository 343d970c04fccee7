package io.github.tpdiff.lora.job;

import io.github.tpdiff.runtime.model.Flow;
import io.github.tpdiff.runtime.model.VideoModel;
import java.util.List;
import java.util.Optional;

/**
 * The runs of a job: one for the denoiser that it names, or one for each of several, which are
 * trained one after the other. Then each has a folder of its own in the job's, with its states,
 * record and LoRA, and can be run alone by the record.
 */
public final class JobRuns {
  /** What a job calls all denoisers of a model that has two. */
  static final String BOTH = "both";

  private JobRuns() {}

  /**
   * The runs of a job on a checkpoint, in the order in which a video asks their denoisers.
   *
   * @throws io.github.tpdiff.weights.CheckpointException as {@link ResolvedJob#of}
   */
  public static List<ResolvedJob> of(TrainingJob job, VideoModel model) {
    Flow flow = model.description().flow();
    boolean all =
        flow.denoisers().size() > 1
            && job.model().denoiser().filter(d -> !d.equals(BOTH)).isEmpty();
    return all
        ? flow.denoisers().stream()
            .map(expert -> ResolvedJob.of(alone(job, flow.nameOf(expert.component())), model))
            .toList()
        : List.of(ResolvedJob.of(job, model));
  }

  private static TrainingJob alone(TrainingJob job, String denoiser) {
    TrainingJob.Model model = job.model();
    return new TrainingJob(
        job.file(),
        new TrainingJob.Model(model.request(), model.scheduler(), Optional.of(denoiser)),
        job.data(),
        job.stages(),
        job.lora(),
        job.train(),
        job.sample(),
        job.output().below(denoiser));
  }
}
