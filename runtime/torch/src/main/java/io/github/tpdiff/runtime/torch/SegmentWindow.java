package io.github.tpdiff.runtime.torch;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * Weights of the segment that runs and of the one that runs next: a thread of this window's own
 * brings these while the former runs. Never are those of more than two segments there.
 *
 * <p>Apart from that thread, to be used by one thread.
 */
final class SegmentWindow implements AutoCloseable {
  /** Where weights come from; asked by the window's thread. */
  interface Origin {
    /** Brings a weight, which belongs to {@code scope}. */
    NDArray bring(String name, NDManager scope);
  }

  private final List<Set<String>> bySegment;
  private final Set<String> all = new HashSet<>();
  private final Origin origin;
  private final NDManager held;
  private final ExecutorService thread;
  private final CompletableFuture<Void> begun;
  private final Map<Integer, Load> loads = new HashMap<>();
  private Map<String, NDArray> present = Map.of();

  /** What is brought of a segment, by name, and whom it belongs to. */
  private record Load(NDManager scope, CompletableFuture<Map<String, NDArray>> arrays) {
    /** Also what is still being brought. */
    void free() {
      await();
      scope.close();
    }

    void await() {
      arrays.exceptionally(failure -> Map.of()).join(); // who enters the segment is told
    }
  }

  /**
   * @param bySegment names of each segment's weights, none of them twice
   * @param held owned
   */
  SegmentWindow(List<Set<String>> bySegment, Origin origin, NDManager held) {
    this.bySegment = List.copyOf(bySegment);
    this.origin = origin;
    this.held = held;
    bySegment.forEach(all::addAll);
    this.thread =
        Executors.newSingleThreadExecutor(
            task -> {
              var own = new Thread(task, "weights of the next segment");
              own.setDaemon(true);
              return own;
            });
    this.begun = CompletableFuture.runAsync(() -> SideStream.enter(held), thread);
  }

  /**
   * Waits for the weights of a segment and begins to bring those of the next; frees all others,
   * which nothing that was asked of the device may still read: so this waits for it first.
   *
   * @throws RuntimeException that the origin threw; the next call asks it again
   */
  void enter(int segment, int next) {
    present = Map.of();
    var past = new ArrayList<>(loads.keySet());
    past.removeIf(i -> i == segment || i == next);
    free(past);
    loads.computeIfAbsent(segment, this::load);
    loads.computeIfAbsent(next, this::load);
    present = await(segment);
  }

  private Load load(int segment) {
    NDManager scope = held.newSubManager();
    Set<String> names = bySegment.get(segment);
    return new Load(scope, CompletableFuture.supplyAsync(() -> brought(names, scope), thread));
  }

  private Map<String, NDArray> brought(Set<String> names, NDManager scope) {
    begun.join(); // done, as tasks run in order, or failed
    var arrays = new HashMap<String, NDArray>();
    names.forEach(name -> arrays.put(name, origin.bring(name, scope)));
    return arrays;
  }

  private Map<String, NDArray> await(int segment) {
    try {
      return Objects.requireNonNull(loads.get(segment)).arrays().join();
    } catch (CompletionException failure) {
      free(List.of(segment));
      if (failure.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      throw failure;
    }
  }

  private void free(List<Integer> segments) {
    if (!segments.isEmpty()) {
      HostTensors.await(held);
      segments.forEach(i -> Objects.requireNonNull(loads.remove(i)).free());
    }
  }

  /** A weight of the segment that was entered; empty if it is none of this window's. */
  Optional<NDArray> find(String name) {
    NDArray array = present.get(name);
    if (array == null && all.contains(name)) {
      throw new IllegalStateException("weight " + name + " is not there: enter its segment first");
    }
    return Optional.ofNullable(array);
  }

  /** Waits for what is being brought. */
  void awaitBrought() {
    loads.values().forEach(Load::await);
  }

  @Override
  public void close() {
    free(List.copyOf(loads.keySet()));
    thread.shutdown();
    held.close();
  }
}
