package io.github.tpdiff.runtime.serving;

import java.time.Duration;
import java.util.concurrent.RejectedExecutionException;

/** A service has as many generations waiting as it takes. */
public final class QueueFullException extends RejectedExecutionException {
  private final Duration retryAfter;

  QueueFullException(int queued, Duration retryAfter) {
    super(
        "queue: expected fewer than %d waiting, found as many; ask again in %d s"
            .formatted(queued, retryAfter.toSeconds()));
    this.retryAfter = retryAfter;
  }

  /** When a place is likely to be free, in whole seconds, at least one. */
  public Duration retryAfter() {
    return retryAfter;
  }
}
