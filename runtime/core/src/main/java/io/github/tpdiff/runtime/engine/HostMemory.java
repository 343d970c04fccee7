package io.github.tpdiff.runtime.engine;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;

/** What the machine's memory still takes. */
final class HostMemory {
  private static final Path LINUX = Path.of("/proc/meminfo");
  private static final String AVAILABLE = "MemAvailable:";

  private HostMemory() {}

  /** Bytes that can be allocated without swapping; what only caches files counts as free. */
  static long availableBytes() {
    try {
      for (String line : Files.readAllLines(LINUX)) {
        if (line.startsWith(AVAILABLE)) {
          return 1024 * Long.parseLong(line.replaceAll("\\D", ""));
        }
      }
    } catch (IOException | NumberFormatException unknown) {
      // No such file outside Linux: the JDK's figure counts cached files as used.
    }
    return ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getFreeMemorySize();
  }
}
