package io.github.tpdiff.cli;

import io.github.tpdiff.runtime.diffusion.Stage;
import io.github.tpdiff.runtime.diffusion.StageChoice.Decided;
import io.github.tpdiff.runtime.pipeline.GenerationListener;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** Follows a generation: progress while it runs, then how long each stage took. */
public final class StageTimes implements GenerationListener, AutoCloseable {
  /**
   * Time spent in a stage.
   *
   * @param stage which
   * @param steps done in it
   * @param seconds all of them together
   */
  public record StageTime(Stage stage, int steps, double seconds) {}

  private final PrintWriter progress;
  private final List<StageTime> stages = new ArrayList<>();
  private Optional<ProgressMeter> meter = Optional.empty();
  private double first;

  /**
   * @param progress where lines go when there is no terminal
   */
  public StageTimes(PrintWriter progress) {
    this.progress = progress;
  }

  @Override
  public void onStages(Decided decided) {
    StageOptions.printDifferences(progress, decided);
  }

  @Override
  public void onPhase(Phase phase) {
    close();
  }

  @Override
  public void onStep(StepDone step) {
    if (meter.isEmpty()) {
      meter = Optional.of(ProgressMeter.start("denoising", step.steps(), progress));
    }
    meter
        .get()
        .reached(step.done(), "stage %d, %s".formatted(step.stage().number(), step.stage().size()));
    int last = stages.size() - 1;
    first = last < 0 ? step.seconds() : first;
    if (last >= 0 && stages.get(last).stage().equals(step.stage())) {
      StageTime so = stages.get(last);
      stages.set(last, new StageTime(so.stage(), so.steps() + 1, so.seconds() + step.seconds()));
    } else {
      stages.add(new StageTime(step.stage(), 1, step.seconds()));
    }
  }

  @Override
  public void onFrame(int done, int frames) {
    if (meter.isEmpty()) {
      meter = Optional.of(ProgressMeter.start("decoding", frames, progress));
    }
    meter.get().reached(done, "frames");
  }

  /** Per stage, in sampling order. */
  public List<StageTime> stages() {
    return List.copyOf(stages);
  }

  /** Seconds of all steps. */
  public double seconds() {
    return stages.stream().mapToDouble(StageTime::seconds).sum();
  }

  /** Seconds of all steps but the first, in which the network is loaded. */
  double secondsAfterFirst() {
    return seconds() - first;
  }

  /** Prints one line per stage. */
  void print(PrintWriter out) {
    close();
    out.println("stage    latent grid  steps  seconds  per step");
    for (StageTime time : stages) {
      out.printf(
          Locale.ROOT,
          "%5d  %13s  %5d  %7.2f  %8.3f%n",
          time.stage().number(),
          time.stage().grid().size(),
          time.steps(),
          time.seconds(),
          time.seconds() / time.steps());
    }
    out.printf(Locale.ROOT, "all stages: %.2f s%n", seconds());
    out.flush();
  }

  /** Ends the progress shown at the moment. */
  @Override
  public void close() {
    meter.ifPresent(ProgressMeter::close);
    meter = Optional.empty();
  }
}
