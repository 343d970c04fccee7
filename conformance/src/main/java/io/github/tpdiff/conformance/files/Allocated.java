package io.github.tpdiff.conformance.files;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;

/** What a thread has allocated on the heap. */
final class Allocated {
  private Allocated() {}

  /** Bytes since the thread's start, those collected again included; 0 where nobody counts. */
  static long byThisThread() {
    return ManagementFactory.getThreadMXBean() instanceof ThreadMXBean threads
        ? threads.getThreadAllocatedBytes(Thread.currentThread().getId())
        : 0;
  }
}
