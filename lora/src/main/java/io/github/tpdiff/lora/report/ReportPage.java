package io.github.tpdiff.lora.report;

import io.github.tpdiff.lora.report.ReportState.Sample;
import io.github.tpdiff.lora.report.ReportState.Status;
import io.github.tpdiff.lora.train.LogRow;
import io.github.tpdiff.lora.train.RunLog;
import io.github.tpdiff.lora.train.SampleShown;
import io.github.tpdiff.lora.train.TrainingProgress;
import io.github.tpdiff.weights.AtomicFile;
import io.github.tpdiff.weights.CheckpointException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A training as {@code report.html} in its folder: curves, samples, data, job, time left. It is
 * opened as a file, loads itself again while the run goes on, and needs nothing but itself and the
 * samples' files.
 *
 * <p>The training thread only takes note; another writes the page, every few seconds at most. What
 * is noted does not grow with the steps: curves are thinned.
 */
public final class ReportPage implements RunLog {
  /** Name of the page in the output folder. */
  public static final String FILE = "report.html";

  private static final Duration BETWEEN_WRITES = Duration.ofSeconds(4);

  /** After so long it is written though nothing is new: readers see that the run is alive. */
  private static final Duration HEARTBEAT = Duration.ofMinutes(1);

  private static final Duration PATIENCE = Duration.ofMinutes(1);

  private static final Pattern SAMPLE = Pattern.compile("step-(\\d{8,9})-(\\d{1,6})\\.(mp4|png)");

  private final ReportWriter writer;
  private final Start start;
  private final ScheduledExecutorService clock;
  private final Future<?> writing;

  private final TrainingCurves curves = new TrainingCurves();
  private final List<Sample> samples = new ArrayList<>();
  private final List<String> warnings = new ArrayList<>();
  private Optional<TrainingProgress> progress = Optional.empty();
  private int step;
  private Status status = Status.RUNNING;
  private boolean isNew = true;
  private Instant written = Instant.EPOCH;

  private ReportPage(ReportSubject subject, Start start) {
    this.writer = new ReportWriter(subject);
    this.start = start;
    samples.addAll(earlierSamples());
    clock =
        Executors.newSingleThreadScheduledExecutor(
            task -> {
              var thread = new Thread(task, "report");
              thread.setDaemon(true);
              return thread;
            });
    writing =
        clock.scheduleWithFixedDelay(
            this::writeIfDue, 0, BETWEEN_WRITES.toMillis(), TimeUnit.MILLISECONDS);
  }

  /** Opens the page of a run. */
  public static RunLog.Opening of(ReportSubject subject) {
    return start -> new ReportPage(subject, start);
  }

  /** Those that the run had made before it went on. */
  private List<Sample> earlierSamples() {
    Path folder = start.folder().resolve("samples");
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .map(file -> SAMPLE.matcher(file.getFileName().toString()))
          .filter(Matcher::matches)
          .map(
              name ->
                  new Sample(
                      Integer.parseInt(name.group(1)),
                      Integer.parseInt(name.group(2)),
                      "samples/" + name.group()))
          .filter(sample -> sample.step() <= start.step())
          .sorted(Comparator.comparingInt(Sample::step))
          .toList();
    } catch (IOException failure) {
      throw new CheckpointException(
          "%s: cannot be listed: %s".formatted(folder, AtomicFile.reason(failure)), failure);
    }
  }

  @Override
  public synchronized void earlier(LogRow row) {
    note(row);
  }

  @Override
  public synchronized void progressed(TrainingProgress now) {
    progress = Optional.of(now);
    step = now.step();
    isNew = true;
  }

  @Override
  public synchronized void row(LogRow row) {
    note(row);
    isNew = true;
  }

  private void note(LogRow row) {
    step = row.step();
    curves.add(row);
  }

  @Override
  public synchronized void sampled(SampleShown sample) {
    String file = start.folder().relativize(sample.file()).toString().replace('\\', '/');
    samples.add(new Sample(sample.step(), sample.prompt(), file));
    isNew = true;
  }

  @Override
  public synchronized void warned(String line) {
    warnings.add(line);
    isNew = true;
  }

  @Override
  public synchronized void finished() {
    status = Status.FINISHED;
  }

  private synchronized ReportState state() {
    isNew = false;
    written = Instant.now();
    return new ReportState(
        status,
        step,
        start.steps(),
        progress,
        curves.charts(),
        List.copyOf(samples),
        List.copyOf(warnings),
        written);
  }

  private synchronized boolean isDue() {
    return isNew || written.plus(HEARTBEAT).isBefore(Instant.now());
  }

  private synchronized void again() {
    isNew = true;
  }

  /** What cannot be written now is tried again: a training does not end for its page. */
  private void writeIfDue() {
    try {
      if (isDue()) {
        write();
      }
    } catch (CheckpointException failure) {
      again();
    }
  }

  private void write() {
    byte[] page = writer.page(state()).getBytes(StandardCharsets.UTF_8);
    AtomicFile.write(start.folder().resolve(FILE), page);
  }

  @Override
  public void close() {
    writing.cancel(false);
    clock.shutdown();
    try {
      if (!clock.awaitTermination(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
        return; // it is being written by a disk that hangs
      }
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      return;
    }
    stopUnlessFinished();
    write();
  }

  private synchronized void stopUnlessFinished() {
    if (status == Status.RUNNING) {
      status = Status.STOPPED;
    }
  }
}
