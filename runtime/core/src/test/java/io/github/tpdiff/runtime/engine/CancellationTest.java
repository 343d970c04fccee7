package io.github.tpdiff.runtime.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class CancellationTest {
  private final Cancellation cancellation = new Cancellation();
  private final AtomicInteger taken = new AtomicInteger();

  @Test
  void actions_areTakenOnce_whileTheyAreWatched() {
    Cancellation.Watch watch = cancellation.watch(taken::incrementAndGet);
    cancellation.check();
    cancellation.cancel();
    cancellation.cancel();
    watch.close();
    assertThat(taken).hasValue(1);
    assertThat(cancellation.isCancelled()).isTrue();
    assertThatThrownBy(cancellation::check).isInstanceOf(CancellationException.class);
  }

  @Test
  void actionWatchedTooLate_isTakenAtOnce() {
    cancellation.cancel();
    cancellation.watch(taken::incrementAndGet).close();
    assertThat(taken).hasValue(1);
  }

  @Test
  void actionNoLongerWatched_isNotTaken() {
    cancellation.watch(taken::incrementAndGet).close();
    cancellation.cancel();
    assertThat(taken).hasValue(0);
  }
}
