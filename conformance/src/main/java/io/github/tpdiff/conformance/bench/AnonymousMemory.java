package io.github.tpdiff.conformance.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Watches this process's resident anonymous memory: what it holds besides mapped files. Linux only;
 * elsewhere the peak stays 0.
 */
final class AnonymousMemory implements AutoCloseable {
  private static final Path STATUS = Path.of("/proc/self/status");
  private static final String FIELD = "RssAnon:";
  private static final long MILLIS = 20;

  private final AtomicLong peak = new AtomicLong();
  private final AtomicBoolean closed = new AtomicBoolean();
  private final Thread watcher = new Thread(this::watch, "bench-memory");

  static AnonymousMemory watching() {
    var memory = new AnonymousMemory();
    memory.watcher.setDaemon(true);
    memory.watcher.start();
    return memory;
  }

  private void watch() {
    try {
      while (!closed.get()) {
        sample();
        Thread.sleep(MILLIS);
      }
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void sample() {
    if (!Files.isReadable(STATUS)) {
      return;
    }
    try {
      Files.readAllLines(STATUS).stream()
          .filter(line -> line.startsWith(FIELD))
          .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) * 1024)
          .forEach(bytes -> peak.accumulateAndGet(bytes, Math::max));
    } catch (IOException unreadable) {
      closed.set(true); // no figure is better than a wrong one
    }
  }

  /** The most bytes seen so far. */
  long peakBytes() {
    sample();
    return peak.get();
  }

  @Override
  public void close() {
    closed.set(true);
    watcher.interrupt();
  }
}
