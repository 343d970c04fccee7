package io.github.tpdiff.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Optional;

/** Progress over items such as videos; begins with the first, which says how many there are. */
final class ItemProgress implements AutoCloseable {
  private final String task;
  private final PrintWriter lines;
  private Optional<ProgressMeter> meter = Optional.empty();

  ItemProgress(String task, PrintWriter lines) {
    this.task = task;
    this.lines = lines;
  }

  void reached(Path video, int done, int total) {
    reached(String.valueOf(video.getFileName()), done, total);
  }

  void reached(String item, int done, int total) {
    if (meter.isEmpty()) {
      meter = Optional.of(ProgressMeter.start(task, total, lines));
    }
    meter.get().reached(done, item);
  }

  @Override
  public void close() {
    meter.ifPresent(ProgressMeter::close);
  }
}
