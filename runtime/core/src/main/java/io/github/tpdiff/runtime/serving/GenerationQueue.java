package io.github.tpdiff.runtime.serving;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Generations that wait for a device, first come first served, and how many there may be. */
final class GenerationQueue {
  private final long places;
  private final List<Generation<?>> waiting = new ArrayList<>();
  private int taken;
  private boolean closed;

  /**
   * @param places of those that wait and those that run together
   */
  GenerationQueue(long places) {
    this.places = places;
  }

  /** Whether no more are taken now. */
  synchronized boolean isFull() {
    return taken >= places;
  }

  synchronized boolean isClosed() {
    return closed;
  }

  /** Adds one at the end; false if there is no place. */
  synchronized boolean offer(Generation<?> generation) {
    if (closed || isFull()) {
      return false;
    }
    taken++;
    waiting.add(generation);
    notifyAll();
    return true;
  }

  /** Waits for the first one that wants one of these models; empty once this is closed. */
  synchronized Optional<Generation<?>> take(Set<String> models) {
    while (true) {
      if (closed) {
        return Optional.empty();
      }
      for (Generation<?> first : waiting) {
        if (models.contains(first.order().model())) {
          waiting.remove(first);
          return Optional.of(first);
        }
      }
      try {
        wait();
      } catch (InterruptedException nobodysBusiness) {
        // What a listener did to the thread is not the next generation's.
      }
    }
  }

  /** Takes one out that waits; false if it does not. */
  synchronized boolean remove(Generation<?> generation) {
    if (waiting.remove(generation)) {
      taken--;
      return true;
    }
    return false;
  }

  /** One that was taken gives its place free. */
  synchronized void leave() {
    taken--;
  }

  synchronized int ahead(Generation<?> generation) {
    return Math.max(0, waiting.indexOf(generation));
  }

  synchronized int waiting() {
    return waiting.size();
  }

  synchronized int running() {
    return taken - waiting.size();
  }

  /** Takes and gives no more; returns those that wait. */
  synchronized List<Generation<?>> close() {
    closed = true;
    notifyAll();
    return List.copyOf(waiting);
  }
}
