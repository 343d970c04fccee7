package io.github.tpdiff.runtime.serving;

import static java.util.Objects.requireNonNull;

import io.github.tpdiff.runtime.engine.Cancellation;
import io.github.tpdiff.runtime.pipeline.GenerationListener;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * A video that a service makes or will make: watched, waited for, cancelled from any thread.
 *
 * @param <T> what it results in
 */
public final class Generation<T> {
  /** What becomes of a generation, in order; one of the last three is the end. */
  public enum State {
    QUEUED,
    RUNNING,
    COMPLETED,
    FAILED,
    CANCELLED;

    /** Whether it stays so. */
    public boolean isDone() {
      return compareTo(COMPLETED) >= 0;
    }
  }

  private final long id;
  private final VideoOrder order;
  private final VideoUse<T> use;
  private final GenerationProgress progress;
  private final Surroundings surroundings;
  private final Cancellation cancellation = new Cancellation();
  private final CompletableFuture<T> result = new CompletableFuture<>();
  private State state = State.QUEUED;
  private boolean cancelAsked;

  /**
   * What a generation asks of its service.
   *
   * @param queue that it waits in
   * @param results where its future is completed, away from the thread that makes videos: what
   *     waits there, even for another generation, stops nothing
   */
  record Surroundings(GenerationQueue queue, Executor results) {}

  Generation(
      long id,
      VideoOrder order,
      VideoUse<T> use,
      GenerationListener listener,
      Surroundings surroundings) {
    this.id = id;
    this.order = order;
    this.use = use;
    this.progress = new GenerationProgress(listener);
    this.surroundings = surroundings;
    // Whoever takes back the future, or lets it time out, has no use for the video.
    var unused = result.whenComplete((made, failure) -> cancel());
  }

  /** A number that no other generation of the service has. */
  public long id() {
    return id;
  }

  public VideoOrder order() {
    return order;
  }

  public synchronized State state() {
    return state;
  }

  /**
   * Per cent of the work that are done: steps up to 90, decoded frames up to 99, and 100 when it is
   * completed. It does not fall.
   */
  public int progress() {
    return state() == State.COMPLETED ? 100 : progress.percent();
  }

  /** How many that wait will be begun before this; 0 if it does not wait. */
  public int ahead() {
    return surroundings.queue().ahead(this);
  }

  /**
   * What comes of it, or what it failed with. Its completions run on threads of their own, when
   * {@link #state} has changed and the place in the queue is free; completed by anybody else, it
   * cancels the generation.
   */
  public CompletableFuture<T> result() {
    return result;
  }

  /**
   * Ends it: at once where it waits, else as soon as the engine can, in the middle of a step.
   *
   * @return whether it ends cancelled; false if it was done
   */
  public boolean cancel() {
    synchronized (this) {
      if (state.isDone()) {
        return false;
      }
      cancelAsked = true;
      if (state == State.RUNNING) {
        cancellation.cancel();
        return true;
      }
    }
    if (surroundings.queue().remove(this)) {
      end(State.CANCELLED, null, new CancellationException("cancelled while it waited"));
    }
    return true;
  }

  /** Runs to its end, unless it was cancelled; whatever is thrown is its result. */
  void run(ServedDevice device) {
    if (begin()) {
      try {
        T made = device.make(order, use, new ServedDevice.Watch(progress, cancellation));
        surroundings.queue().leave();
        end(State.COMPLETED, made, null);
      } catch (Throwable failure) {
        surroundings.queue().leave();
        end(State.FAILED, null, failure);
      }
    } else {
      surroundings.queue().leave();
      end(State.CANCELLED, null, new CancellationException("cancelled before it began"));
    }
  }

  private synchronized boolean begin() {
    if (cancelAsked) {
      return false;
    }
    state = State.RUNNING;
    return true;
  }

  private void end(State reached, @Nullable T made, @Nullable Throwable failure) {
    State ended;
    synchronized (this) {
      ended = cancelAsked ? State.CANCELLED : reached;
      state = ended;
    }
    surroundings
        .results()
        .execute(
            () -> {
              switch (ended) {
                case COMPLETED -> result.complete(made);
                case FAILED -> result.completeExceptionally(requireNonNull(failure));
                default -> result.completeExceptionally(cancelled(failure));
              }
            });
  }

  private static CancellationException cancelled(@Nullable Throwable failure) {
    if (failure instanceof CancellationException already) {
      return already;
    }
    var cancelled = new CancellationException("cancelled");
    Optional.ofNullable(failure).ifPresent(cancelled::addSuppressed);
    return cancelled;
  }
}
