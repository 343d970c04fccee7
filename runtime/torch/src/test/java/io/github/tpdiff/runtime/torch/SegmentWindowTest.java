package io.github.tpdiff.runtime.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.pytorch.engine.PtNDArray;
import io.github.tpdiff.weights.CheckpointException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Five segments of two weights each, brought as fresh arrays that the test watches. */
class SegmentWindowTest {
  private static final int SEGMENTS = 5;

  private final NDManager held = LibTorch.start().newBaseManager(Device.cpu());
  private final List<String> brought = new CopyOnWriteArrayList<>();
  private final List<Brought> arrays = new CopyOnWriteArrayList<>();
  private final List<Integer> together = new CopyOnWriteArrayList<>();
  private final List<Thread> threads = new CopyOnWriteArrayList<>();

  private record Brought(String name, PtNDArray array) {}

  @AfterEach
  void close() {
    held.close();
  }

  private static List<Set<String>> names() {
    return IntStream.range(0, SEGMENTS).mapToObj(i -> Set.of(i + ".a", i + ".b")).toList();
  }

  private NDArray bring(String name, NDManager scope) {
    threads.add(Thread.currentThread());
    brought.add(name);
    NDArray array = scope.create(new float[] {name.charAt(0) - '0', name.charAt(2)});
    arrays.add(new Brought(name, (PtNDArray) array));
    together.add(segmentsThere().size());
    return array;
  }

  /** Whose memory has been taken and not been given back. */
  private Set<String> segmentsThere() {
    return arrays.stream()
        .filter(own -> !own.array().isReleased())
        .map(own -> own.name().substring(0, 1))
        .collect(Collectors.toSet());
  }

  private SegmentWindow window(SegmentWindow.Origin origin) {
    return new SegmentWindow(names(), origin, held.newSubManager());
  }

  private static void assertThere(SegmentWindow window, int segment) {
    for (String name : names().get(segment)) {
      assertThat(window.find(name).orElseThrow().toFloatArray())
          .containsExactly(segment, name.charAt(2));
    }
  }

  @Test
  void forwardAndBack_eachSegmentIsThereWhenEntered_andNeverMoreThanTwo() {
    try (SegmentWindow window = window(this::bring)) {
      for (int step = 0; step < 3; step++) {
        for (int i = 0; i < SEGMENTS; i++) {
          window.enter(i, i + 1 < SEGMENTS ? i + 1 : i - 1);
          assertThere(window, i);
        }
        for (int i = SEGMENTS - 1; i >= 0; i--) {
          window.enter(i, i > 0 ? i - 1 : 1);
          assertThere(window, i);
          assertThat(window.find("shared")).isEmpty();
        }
      }
    }
    assertThat(together).isNotEmpty().allMatch(segments -> segments <= 2);
    assertThat(threads).doesNotContain(Thread.currentThread()).allMatch(threads.get(0)::equals);
    // Each way finds the last two of the other there, and brings three of five.
    assertThat(brought.stream().map(name -> name.charAt(0) - '0').toList())
        .hasSize(2 * (2 + 3 * 6))
        .startsWith(0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 2, 2, 1, 1, 0, 0, 2, 2, 3, 3);
    assertThat(segmentsThere()).isEmpty();
  }

  @Test
  void nextSegment_isBroughtWhileThePresentOneRuns() throws InterruptedException {
    var second = new CountDownLatch(2);
    try (SegmentWindow window =
        window(
            (name, scope) -> {
              if (name.startsWith("1")) {
                second.countDown();
              }
              return bring(name, scope);
            })) {
      window.enter(0, 1);
      assertThat(second.await(20, TimeUnit.SECONDS)).isTrue();
      assertThere(window, 0);
      assertThatThrownBy(() -> window.find("1.a"))
          .isInstanceOf(IllegalStateException.class)
          .hasMessage("weight 1.a is not there: enter its segment first");
    }
  }

  @Test
  void jump_freesWhatWasBroughtInVain() {
    try (SegmentWindow window = window(this::bring)) {
      window.enter(3, 4);
      window.enter(0, 1);
      assertThere(window, 0);
      assertThat(segmentsThere()).isSubsetOf("0", "1");
    }
    assertThat(together).allMatch(segments -> segments <= 2);
  }

  @Test
  void failure_isTheSegmentsThatIsEntered_andAnotherTryAsksAgain() {
    var broken = new ArrayList<>(List.of("1.a", "1.b"));
    try (SegmentWindow window =
        window(
            (name, scope) -> {
              if (broken.remove(name)) {
                throw new CheckpointException("file: tensor '" + name + "': cut short");
              }
              return bring(name, scope);
            })) {
      window.enter(0, 1);
      assertThere(window, 0);
      for (int i = 0; i < 2; i++) {
        assertThatThrownBy(() -> window.enter(1, 2))
            .isInstanceOf(CheckpointException.class)
            .hasMessageContaining("cut short");
        assertThatThrownBy(() -> window.find("1.a")).isInstanceOf(IllegalStateException.class);
      }
      window.enter(1, 2);
      assertThere(window, 1);
    }
    assertThat(segmentsThere()).isEmpty();
  }

  @Test
  void closing_endsTheThread_evenAfterAFailureThatNobodyAskedFor() throws InterruptedException {
    try (SegmentWindow window =
        window(
            (name, scope) -> {
              if (name.startsWith("1")) {
                throw new CheckpointException("never asked for");
              }
              return bring(name, scope);
            })) {
      window.enter(0, 1);
    }
    threads.get(0).join(TimeUnit.SECONDS.toMillis(20));
    assertThat(threads.get(0).isAlive()).isFalse();
    assertThat(segmentsThere()).isEmpty();
  }
}
