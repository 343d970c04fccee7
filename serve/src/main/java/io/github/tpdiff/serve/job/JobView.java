package io.github.tpdiff.serve.job;

import io.github.tpdiff.runtime.pipeline.GenerationListener.Phase;
import java.util.Optional;

/**
 * A job as it is now.
 *
 * @param status what clients are told
 * @param progress in per cent; does not fall
 * @param ahead how many will be begun before it
 * @param activity what is being done, of one that runs
 */
public record JobView(
    Job job, Status status, int progress, int ahead, Optional<Activity> activity) {

  /** What clients are told of a job; it goes down this list, and one of the last three stays. */
  public enum Status {
    QUEUED,
    IN_PROGRESS,
    COMPLETED,
    FAILED,
    CANCELLED;

    /** Whether it stays so. */
    public boolean isEnd() {
      return compareTo(COMPLETED) >= 0;
    }
  }

  /**
   * What is being done.
   *
   * @param phase of the work
   * @param stage of denoising, if it has begun
   */
  public record Activity(Phase phase, Optional<StageSteps> stage) {}

  /**
   * How far a stage is.
   *
   * @param stage its number, from 1, which is the coarsest
   * @param stages how many there are
   * @param step of the stage that is done, from 1
   * @param steps of the stage
   */
  public record StageSteps(int stage, int stages, int step, int steps) {}

  /** A job of which no more is known than the database says. */
  static JobView of(Job job) {
    Status status =
        switch (job.state()) {
          case QUEUED -> Status.QUEUED;
          case COMPLETED -> Status.COMPLETED;
          case FAILED -> Status.FAILED;
          case CANCELLED -> Status.CANCELLED;
        };
    int progress = status == Status.COMPLETED ? 100 : 0;
    return new JobView(job, status, progress, 0, Optional.empty());
  }
}
