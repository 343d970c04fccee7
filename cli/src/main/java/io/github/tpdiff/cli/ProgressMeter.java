package io.github.tpdiff.cli;

import io.github.tpdiff.weights.PrintableText;
import java.io.PrintWriter;
import java.util.Optional;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/** Progress of one task: a bar with rate and time left on a terminal, else a line now and then. */
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
                    .build()));
  }

  /** Says that {@code done} units are done. */
  public void reached(long done, String of) {
    String note = PrintableText.of(of);
    if (first < 0) {
      // What a resumed task did before counts neither for the rate nor for the time left.
      first = done - 1;
    }
    bar.ifPresent(b -> b.stepTo(done).setExtraMessage(" " + note));
    long now = System.nanoTime();
    boolean isEnd = done == total && last != total;
    last = done;
    if (bar.isEmpty() && (isEnd || (now - printed) * 1e-9 >= SECONDS_BETWEEN_LINES)) {
      printed = now;
      double seconds = (now - began) * 1e-9;
      double left = seconds / (done - first) * (total - done);
      lines.printf("%s %d/%d %s, %.0f s, %.0f s left%n", task, done, total, note, seconds, left);
      lines.flush();
    }
  }

  @Override
  public void close() {
    bar.ifPresent(ProgressBar::close);
  }
}
