package io.github.tpdiff.cli;

import io.github.tpdiff.weights.PrintableText;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.Optional;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/** Progress of one task: a bar with time left on a terminal, else a line now and then. */
public final class ProgressMeter implements AutoCloseable {
  /** Set by the launcher, which can ask whether the error stream is a terminal; Java cannot. */
  private static final String TERMINAL = "tpdiff.terminal";

  private static final double SECONDS_BETWEEN_LINES = 5;

  private final String task;
  private final long total;
  private final PrintWriter lines;
  private final Optional<ProgressBar> bar;
  private final long began = System.nanoTime();
  private long printed = began;
  private long last = -1;
  private long first = -1;

  private ProgressMeter(String task, long total, PrintWriter lines, Optional<ProgressBar> bar) {
    this.task = task;
    this.total = total;
    this.lines = lines;
    this.bar = bar;
  }

  /**
   * Starts a task of {@code total} units.
   *
   * @param lines where lines go when there is no terminal
   */
  public static ProgressMeter start(String task, long total, PrintWriter lines) {
    return new ProgressMeter(
        task,
        total,
        lines,
        !Boolean.getBoolean(TERMINAL)
            ? Optional.empty()
            : Optional.of(
                new ProgressBarBuilder()
                    .setTaskName(PrintableText.of(task))
                    .setInitialMax(total)
                    .setStyle(ProgressBarStyle.ASCII)
                    .setUpdateIntervalMillis(200)
                    .continuousUpdate()
                    .hideEta()
                    .build()));
  }

  /** Says that {@code done} units are done, and that the others take as long each. */
  public void reached(long done, String of) {
    if (first < 0) {
      // What a resumed task did before counts neither for the rate nor for the time left.
      first = done - 1;
    }
    double left = seconds() / (done - first) * (total - done);
    reached(done, of, String.format(Locale.ROOT, "%.0f s left", left));
  }

  /**
   * Says that {@code done} units are done.
   *
   * @param left what is left, in words
   */
  public void reached(long done, String of, String left) {
    String note = PrintableText.of(of);
    bar.ifPresent(b -> b.stepTo(done).setExtraMessage(" %s, %s".formatted(note, left)));
    long now = System.nanoTime();
    boolean isEnd = done == total && last != total;
    last = done;
    if (bar.isEmpty() && (isEnd || (now - printed) * 1e-9 >= SECONDS_BETWEEN_LINES)) {
      printed = now;
      lines.printf("%s %d/%d %s, %.0f s, %s%n", task, done, total, note, seconds(), left);
      lines.flush();
    }
  }

  private double seconds() {
    return (System.nanoTime() - began) * 1e-9;
  }

  @Override
  public void close() {
    bar.ifPresent(ProgressBar::close);
  }
}
