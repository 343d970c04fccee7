package io.github.tpdiff.evaluation.experiment;

import io.github.tpdiff.lora.job.TrainingJob;
import io.github.tpdiff.lora.train.TrainingListener;
import io.github.tpdiff.lora.train.TrainingOutcome;
import io.github.tpdiff.runtime.model.ModelRequest;
import io.github.tpdiff.runtime.model.PipelineParts;
import io.github.tpdiff.runtime.model.VideoModel;

/** Opens checkpoints and trains jobs for an experiment: the usual trainer, on whatever engine. */
public interface ExperimentHost {
  /** Opens a checkpoint of whichever family it is; closed by the experiment. */
  VideoModel open(ModelRequest request);

  /**
   * Trains a job from the newest state of its output folder, from the first values where it has
   * none, to its last step or until it is asked to stop.
   *
   * @throws io.github.tpdiff.lora.train.NonFiniteException if the loss or a gradient is
   */
  TrainingOutcome train(TrainingJob job, TrainingListener watcher);

  /** The parts of a pipeline; closed by the experiment. */
  PipelineParts parts(VideoModel model);

  /** Says what the experiment does next. */
  void tell(String line);
}
