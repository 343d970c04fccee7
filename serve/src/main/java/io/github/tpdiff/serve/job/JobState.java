package io.github.tpdiff.serve.job;

/** What the database knows of a job; whether a queued one runs, its generation says. */
public enum JobState {
  QUEUED,
  COMPLETED,
  FAILED,
  CANCELLED
}
