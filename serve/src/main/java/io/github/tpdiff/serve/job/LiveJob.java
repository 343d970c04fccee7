package io.github.tpdiff.serve.job;

import io.github.tpdiff.runtime.diffusion.StageChoice.Decided;
import io.github.tpdiff.runtime.model.PipelineParts;
import io.github.tpdiff.runtime.pipeline.GenerationListener;
import io.github.tpdiff.runtime.serving.Generation;
import io.github.tpdiff.serve.job.JobView.Activity;
import io.github.tpdiff.serve.job.JobView.StageSteps;
import io.github.tpdiff.serve.job.JobView.Status;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;

/** A job that waits or runs: what its generation tells, and who wants to know. */
final class LiveJob implements GenerationListener {
  private final Job job;
  private final List<GenerationListener> listeners;
  private final List<Runnable> watchers = new CopyOnWriteArrayList<>();
  private final CompletableFuture<Void> over = new CompletableFuture<>();
  private volatile Optional<Generation<?>> generation = Optional.empty();
  private volatile Optional<Activity> activity = Optional.empty();
  private volatile boolean cancelAsked;
  private volatile int stages = 1;

  /**
   * @param listeners told the same
   */
  LiveJob(Job job, List<GenerationListener> listeners) {
    this.job = job;
    this.listeners = List.copyOf(listeners);
  }

  void begin(Generation<?> own) {
    generation = Optional.of(own);
    if (cancelAsked) {
      own.cancel();
    }
  }

  void cancel() {
    cancelAsked = true;
    generation.ifPresent(Generation::cancel);
  }

  /** Ends it here alone: it stays queued in the database. */
  void leave() {
    generation.ifPresent(Generation::cancel);
  }

  boolean isCancelAsked() {
    return cancelAsked;
  }

  void watch(Runnable watcher) {
    watchers.add(watcher);
  }

  void unwatch(Runnable watcher) {
    watchers.remove(watcher);
  }

  /** Completed when nothing is done for it any more. */
  CompletableFuture<Void> over() {
    return over;
  }

  void tell() {
    watchers.forEach(Runnable::run);
  }

  /** The job as it is now. */
  JobView view() {
    Optional<Generation<?>> own = generation;
    boolean waits =
        activity.isEmpty() && own.map(g -> g.state() == Generation.State.QUEUED).orElse(true);
    return new JobView(
        job,
        waits ? Status.QUEUED : Status.IN_PROGRESS,
        own.map(Generation::progress).orElse(0),
        own.map(Generation::ahead).orElse(0),
        activity);
  }

  @Override
  public void onStages(Decided decided) {
    stages = decided.stages().stages();
    listeners.forEach(listener -> listener.onStages(decided));
  }

  @Override
  public void onParts(PipelineParts parts) {
    listeners.forEach(listener -> listener.onParts(parts));
  }

  @Override
  public void onPhase(Phase phase) {
    activity = Optional.of(new Activity(phase, Optional.empty()));
    listeners.forEach(listener -> listener.onPhase(phase));
    tell();
  }

  @Override
  public void onStep(StepDone step) {
    var steps =
        new StageSteps(stages - step.stage().number() + 1, stages, step.step(), step.stageSteps());
    activity = Optional.of(new Activity(Phase.DENOISING, Optional.of(steps)));
    listeners.forEach(listener -> listener.onStep(step));
    tell();
  }

  @Override
  public void onFrame(int done, int frames) {
    listeners.forEach(listener -> listener.onFrame(done, frames));
    tell();
  }
}
