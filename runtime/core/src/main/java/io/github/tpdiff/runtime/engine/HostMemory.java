package io.github.tpdiff.runtime.engine;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.OptionalLong;

/** What the machine's memory still takes, and what this process has of it. */
public final class HostMemory {
  private static final Path LINUX = Path.of("/proc/meminfo");
  private static final String AVAILABLE = "MemAvailable:";
  private static final Path PROCESS = Path.of("/proc/self/status");
  private static final String RESIDENT = "VmRSS:";
  private static final String PEAK = "VmHWM:";
  private static final String TOTAL = "MemTotal:";

  private HostMemory() {}

  /**
   * Bytes that can be allocated without swapping; what only caches files counts as free, except in
   * a container with a limit of its own.
   */
  public static long availableBytes() {
    var machine = ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);
    try {
      List<String> lines = Files.readAllLines(LINUX);
      // The JDK sees a container's limit, the file does not.
      if (bytes(lines, TOTAL) <= machine.getTotalMemorySize()) {
        return bytes(lines, AVAILABLE);
      }
    } catch (IOException | NoSuchElementException | NumberFormatException unknown) {
      // No such file outside Linux.
    }
    return machine.getFreeMemorySize();
  }

  /** Bytes that this process holds; its heap's where the system does not say. */
  public static long residentBytes() {
    try {
      return bytes(Files.readAllLines(PROCESS), RESIDENT);
    } catch (IOException | NoSuchElementException | NumberFormatException unknown) {
      return Runtime.getRuntime().totalMemory();
    }
  }

  /** The most that this process has held at once; empty where the system does not say. */
  public static OptionalLong peakBytes() {
    try {
      return OptionalLong.of(bytes(Files.readAllLines(PROCESS), PEAK));
    } catch (IOException | NoSuchElementException | NumberFormatException unknown) {
      return OptionalLong.empty();
    }
  }

  private static long bytes(List<String> lines, String field) {
    String line = lines.stream().filter(own -> own.startsWith(field)).findFirst().orElseThrow();
    return 1024 * Long.parseLong(line.replaceAll("\\D", ""));
  }
}
