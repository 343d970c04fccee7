package io.github.tpdiff.runtime.engine;

import java.util.LinkedHashSet;
import java.util.Set;
import java.util.concurrent.CancellationException;

/**
 * Whether work is to end early: asked by any thread, seen by the one that works.
 *
 * <p>Threads are not interrupted: an interrupt closes the file channel that it meets, and weights
 * would not be read again through that.
 */
public final class Cancellation {
  private final Set<Watch> watches = new LinkedHashSet<>();
  private boolean cancelled;

  /** An action that is taken when work is to end, until this is closed. */
  public final class Watch implements AutoCloseable {
    private final Runnable action;

    private Watch(Runnable action) {
      this.action = action;
    }

    /** The action is not running any more, and is not taken from now on. */
    @Override
    public void close() {
      synchronized (Cancellation.this) {
        watches.remove(this);
      }
    }
  }

  /** Asks for the end; again is nothing. */
  public synchronized void cancel() {
    if (!cancelled) {
      cancelled = true;
      watches.forEach(watch -> watch.action.run());
    }
  }

  public synchronized boolean isCancelled() {
    return cancelled;
  }

  /**
   * Goes on unless the end was asked for.
   *
   * @throws CancellationException if it was
   */
  public void check() {
    if (isCancelled()) {
      throw new CancellationException("cancelled");
    }
  }

  /**
   * Takes an action when the end is asked for, at once if it was.
   *
   * @param action short and without waiting; run by whoever asks
   */
  public synchronized Watch watch(Runnable action) {
    var watch = new Watch(action);
    watches.add(watch);
    if (cancelled) {
      action.run();
    }
    return watch;
  }
}
