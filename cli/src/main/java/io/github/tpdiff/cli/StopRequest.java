package io.github.tpdiff.cli;

import com.google.common.util.concurrent.Uninterruptibles;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Ctrl-C as a question that long work asks between steps: while this is open, the process ends only
 * after the work has saved its state and closed this.
 */
final class StopRequest implements AutoCloseable {
  private static final long PATIENCE_MINUTES = 10;

  private final CountDownLatch done = new CountDownLatch(1);
  private final Thread hook = new Thread(this::stop, "tpdiff-stop");
  private final CountDownLatch asked = new CountDownLatch(1);

  private StopRequest() {}

  static StopRequest open() {
    var request = new StopRequest();
    Runtime.getRuntime().addShutdownHook(request.hook);
    return request;
  }

  boolean isAsked() {
    return asked.getCount() == 0;
  }

  /** Waits until it is asked. */
  void await() {
    Uninterruptibles.awaitUninterruptibly(asked);
  }

  private void stop() {
    asked.countDown();
    try {
      if (!done.await(PATIENCE_MINUTES, TimeUnit.MINUTES)) {
        System.err.println("tpdiff: stopped before the state could be saved");
      }
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    done.countDown();
    if (!isAsked()) {
      Runtime.getRuntime().removeShutdownHook(hook);
    }
  }
}
