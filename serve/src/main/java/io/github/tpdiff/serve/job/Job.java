package io.github.tpdiff.serve.job;

import io.github.tpdiff.runtime.pipeline.VideoSize;
import io.github.tpdiff.runtime.serving.VideoOrder;
import java.time.Instant;
import java.util.Optional;

/**
 * A video that somebody was promised.
 *
 * @param id as {@link JobId} makes them
 * @param order what is made
 * @param shape what the order comes to with its model
 * @param state how far it is
 * @param times when it was taken, and so on
 * @param error why it failed
 */
public record Job(
    String id,
    VideoOrder order,
    Shape shape,
    JobState state,
    Times times,
    Optional<Failure> error) {

  /**
   * What an order comes to.
   *
   * @param size of the video
   * @param steps of sampling
   */
  public record Shape(VideoSize size, int steps) {}

  /**
   * When things happened.
   *
   * @param created when it was taken
   * @param ended when it was completed, failed or was cancelled
   * @param expires when it is forgotten
   */
  public record Times(Instant created, Optional<Instant> ended, Optional<Instant> expires) {}

  /**
   * Why a job failed.
   *
   * @param code for programs
   * @param message one line for people
   */
  public record Failure(String code, String message) {}

  /** One that was just taken. */
  public static Job queued(String id, VideoOrder order, Shape shape, Instant now) {
    return new Job(
        id,
        order,
        shape,
        JobState.QUEUED,
        new Times(now, Optional.empty(), Optional.empty()),
        Optional.empty());
  }

  /**
   * The same at its end.
   *
   * @param how not queued
   */
  public Job ended(JobState how, Optional<Failure> why, Times when) {
    return new Job(id, order, shape, how, when, why);
  }
}
