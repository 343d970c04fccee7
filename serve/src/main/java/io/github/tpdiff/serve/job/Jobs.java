package io.github.tpdiff.serve.job;

import com.google.common.util.concurrent.Uninterruptibles;
import io.github.tpdiff.runtime.pipeline.GenerationListener;
import io.github.tpdiff.runtime.serving.Generation;
import io.github.tpdiff.runtime.serving.QueueFullException;
import io.github.tpdiff.runtime.serving.VideoService;
import io.github.tpdiff.serve.http.Refusal.Kind;
import io.github.tpdiff.serve.job.JobView.Status;
import io.github.tpdiff.weights.CheckpointException;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * The jobs of a server: those that are done, and those that are made.
 *
 * <p>A job is in the database before anybody is told of it, and stays queued there until it has
 * ended; whatever ends this process, the next one makes what is queued again. Safe for use by
 * several threads.
 */
public final class Jobs implements AutoCloseable {
  private static final Logger LOG = Logger.getLogger(Jobs.class.getName());

  /** For ends to be written down when nothing runs any more. */
  private static final Duration WRITING = Duration.ofSeconds(10);

  private static final Duration POLL = Duration.ofMillis(20);

  private final VideoService service;
  private final Store store;
  private final List<Function<Job, GenerationListener>> listeners;
  private final Map<String, LiveJob> live = new ConcurrentHashMap<>();
  private volatile boolean stopping;

  /** No more jobs are taken. */
  public static final class StoppedException extends RuntimeException {
    StoppedException() {
      super("the server stops");
    }
  }

  /**
   * Where jobs are kept.
   *
   * @param keep how long after a job's end
   */
  public record Store(JobDatabase database, ResultFolder folder, Duration keep) {}

  /**
   * @param service that makes the videos; closed with this
   * @param store stays the caller's to close
   * @param listeners made for each job that is made, told on the device's thread
   */
  public Jobs(
      VideoService service, Store store, List<Function<Job, GenerationListener>> listeners) {
    this.service = service;
    this.store = store;
    this.listeners = List.copyOf(listeners);
  }

  /**
   * Takes up what an earlier process left: makes what was promised, and deletes what belongs to no
   * job.
   *
   * @return how many are made again
   */
  public int resume() {
    List<Job> queued = store.database.queued();
    var strangers = new HashSet<>(store.folder.jobs());
    strangers.removeIf(id -> store.database.find(id).isPresent());
    strangers.forEach(store.folder::delete);
    for (Job job : queued) {
      try {
        submit(job);
      } catch (IllegalArgumentException | CheckpointException unfit) {
        end(job, JobState.FAILED, Optional.of(error(unfit)));
      }
    }
    return queued.size();
  }

  /**
   * Promises a job: writes it down, and puts it into the queue.
   *
   * @param request if the client gave it a key
   * @return the job; empty if there is one of that key
   * @throws QueueFullException if there are as many as the service takes
   * @throws StoppedException if the server stops
   * @throws IllegalArgumentException if the order does not fit its model
   * @throws CheckpointException if a file cannot be read
   */
  public Optional<JobView> add(Job job, Optional<Idempotency> request) {
    if (stopping) {
      throw new StoppedException();
    }
    if (!store.database.add(job, request)) {
      store.folder.delete(job.id());
      return Optional.empty();
    }
    boolean isIn = false;
    try {
      submit(job);
      isIn = true;
    } finally {
      if (!isIn && !stopping) {
        forget(job.id());
      }
    }
    return Optional.of(view(job));
  }

  /**
   * A job of a request that was sent before.
   *
   * @param same whether the request is the same
   */
  public record Repeated(JobView job, boolean same) {}

  /** The job of a request that was sent before. */
  public Optional<Repeated> repeated(Idempotency request) {
    return store
        .database
        .repeated(request)
        .map(found -> new Repeated(view(found.job()), found.same()));
  }

  private void submit(Job job) {
    var own = new LiveJob(job, listeners.stream().map(listener -> listener.apply(job)).toList());
    live.put(job.id(), own);
    boolean isIn = false;
    try {
      Generation<Boolean> generation =
          service.submit(
              job.order(),
              video -> {
                store.folder.write(job.id(), video, job.shape().size().frames());
                return true;
              },
              own);
      isIn = true;
      own.begin(generation);
      var unused =
          generation.result().whenComplete((made, failure) -> ended(own, job, unwrapped(failure)));
    } finally {
      if (!isIn) {
        live.remove(job.id());
      }
    }
  }

  private static Optional<Throwable> unwrapped(Throwable failure) {
    return Optional.ofNullable(
        failure instanceof CompletionException && failure.getCause() != null
            ? failure.getCause()
            : failure);
  }

  private void ended(LiveJob own, Job job, Optional<Throwable> failure) {
    try {
      boolean isCancelled = failure.filter(CancellationException.class::isInstance).isPresent();
      if (isCancelled && stopping && !own.isCancelAsked()) {
        return; // the next process makes it
      }
      JobState how =
          isCancelled
              ? JobState.CANCELLED
              : failure.isPresent() ? JobState.FAILED : JobState.COMPLETED;
      if (!end(job, how, failure.filter(wrong -> !isCancelled).map(this::error))) {
        store.folder.delete(job.id()); // it was cancelled or deleted while it ran
      }
    } catch (RuntimeException unwritten) {
      LOG.log(Level.SEVERE, job.id() + ": its end could not be written down", unwritten);
    } finally {
      live.remove(job.id());
      own.tell();
      own.over().complete(null);
    }
  }

  /** Writes an end down; false if another was there first, or nothing at all. */
  private boolean end(Job job, JobState how, Optional<Job.Failure> why) {
    Instant now = Instant.now();
    var times =
        new Job.Times(job.times().created(), Optional.of(now), Optional.of(now.plus(store.keep)));
    return store.database.end(job.ended(how, why, times));
  }

  private Job.Failure error(Throwable failure) {
    if (failure instanceof IllegalArgumentException || failure instanceof CheckpointException) {
      return new Job.Failure(
          Kind.INVALID.code(), store.folder.withoutPaths(String.valueOf(failure.getMessage())));
    }
    LOG.log(Level.WARNING, "a generation failed", failure);
    return failure instanceof OutOfMemoryError
        ? new Job.Failure("out_of_memory", "the machine has not enough memory for this video")
        : new Job.Failure(Kind.INTERNAL.code(), "a fault of the service; its log says more");
  }

  /** A job by its name. */
  public Optional<JobView> find(String id) {
    return JobId.isOne(id) ? store.database.find(id).map(this::view) : Optional.empty();
  }

  private JobView view(Job job) {
    LiveJob own = live.get(job.id());
    if (own == null) {
      // It may have ended between the two looks.
      return job.state() == JobState.QUEUED
          ? store.database.find(job.id()).map(JobView::of).orElseGet(() -> JobView.of(job))
          : JobView.of(job);
    }
    return job.state() == JobState.QUEUED ? own.view() : JobView.of(job);
  }

  /** A page of jobs. */
  public List<JobView> list(JobDatabase.Page page) {
    return store.database.list(page).stream().map(this::view).toList();
  }

  /**
   * Ends a job that has not ended; it stays, as cancelled.
   *
   * @return it; empty if there is none of that name
   */
  public Optional<JobView> cancel(String id) {
    Optional<JobView> found = find(id);
    if (found.isPresent() && end(found.get().job(), JobState.CANCELLED, Optional.empty())) {
      Optional.ofNullable(live.get(id)).ifPresent(LiveJob::cancel);
    }
    return found.flatMap(view -> find(id));
  }

  /**
   * Ends a job if it has not ended, and forgets it.
   *
   * @return false if there is none of that name
   */
  public boolean delete(String id) {
    if (!JobId.isOne(id) || !store.database.remove(id)) {
      return false;
    }
    Optional<LiveJob> own = Optional.ofNullable(live.get(id));
    own.ifPresent(LiveJob::cancel);
    if (own.isEmpty()) {
      store.folder.delete(id);
    } else {
      own.get().tell();
    }
    return true;
  }

  private void forget(String id) {
    store.database.remove(id);
    store.folder.delete(id);
  }

  /** Forgets jobs whose time is over. */
  public void expire() {
    store.database.expired(Instant.now()).forEach(job -> forget(job.id()));
  }

  /** What is told of a job until it is closed. */
  public interface Watch extends AutoCloseable {
    @Override
    void close();
  }

  /**
   * Calls whenever something of a job has changed; after its end no more.
   *
   * @param changed is fast and throws nothing: the device's thread calls it
   */
  public Watch watch(String id, Runnable changed) {
    Optional<LiveJob> own = Optional.ofNullable(live.get(id));
    own.ifPresent(job -> job.watch(changed));
    changed.run();
    return () -> own.ifPresent(job -> job.unwatch(changed));
  }

  /** Completed when a job has ended, was deleted, or this process does no more for it. */
  public CompletableFuture<Void> over(String id) {
    return Optional.ofNullable(live.get(id))
        .map(LiveJob::over)
        .orElseGet(() -> CompletableFuture.completedFuture(null));
  }

  /** How many jobs there are by what clients are told. */
  public Map<JobState, Integer> counts() {
    return store.database.counts();
  }

  /**
   * Takes no more, takes back what waits and gives what runs some time; what has not ended then
   * stays queued in the database.
   */
  public void stop(Duration grace) {
    stopping = true;
    live.values().stream()
        .filter(job -> job.view().status() == Status.QUEUED)
        .forEach(LiveJob::leave);
    awaitEnds(grace);
  }

  /** Stops without grace, and closes the service. */
  @Override
  public void close() {
    stop(Duration.ZERO);
    service.close();
    awaitEnds(WRITING);
  }

  private void awaitEnds(Duration most) {
    long end = System.nanoTime() + most.toNanos();
    while (!live.isEmpty() && System.nanoTime() < end) {
      Uninterruptibles.sleepUninterruptibly(POLL);
    }
  }
}
