package io.github.tpdiff.runtime.serving;

import io.github.tpdiff.runtime.engine.Executable;
import io.github.tpdiff.runtime.model.PipelineParts;
import java.util.Collection;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Components of one device that stay loaded between generations.
 *
 * <p>Whoever takes one gives it back. Those that were used least recently leave when there would be
 * more bytes of weights than allowed, with what is in use, so a model that is too large for all of
 * it runs as without this. When something cannot be loaded or run, all of them leave: a device may
 * have less memory than it was said to have, and nobody tells in what words it lacks some.
 */
final class WarmExecutables implements AutoCloseable {
  private final long mostBytes;
  private final Map<Object, Warm> idle = new LinkedHashMap<>(); // the least recently used first
  private long bytes;
  private boolean closed;

  /**
   * A loaded component.
   *
   * @param identity as of {@link PipelineParts#identity}
   * @param bytes of its weights
   */
  record Warm(Object identity, Executable executable, long bytes) {}

  WarmExecutables(long mostBytes) {
    this.mostBytes = mostBytes;
  }

  /** A component, loaded if it is not there. */
  Warm take(PipelineParts parts, String component) {
    Object identity = parts.identity(component);
    Optional<Warm> found = find(identity);
    if (found.isPresent()) {
      return found.get();
    }
    long own = parts.bytes(component);
    boolean loaded = false;
    makeRoom(own);
    try {
      var warm = new Warm(identity, load(parts, component), own);
      loaded = true;
      return warm;
    } finally {
      if (!loaded) {
        giveRoomBack(own);
      }
    }
  }

  /** Loads, for a second time if there was something that could leave. */
  private Executable load(PipelineParts parts, String component) {
    try {
      return parts.load(component);
    } catch (RuntimeException failure) {
      if (!freeIdle()) {
        throw failure;
      }
      return parts.load(component);
    }
  }

  private synchronized boolean freeIdle() {
    boolean some = !idle.isEmpty();
    idle.values().forEach(this::free);
    idle.clear();
    return some;
  }

  private synchronized Optional<Warm> find(Object identity) {
    return Optional.ofNullable(idle.remove(identity));
  }

  private synchronized void makeRoom(long own) {
    bytes += own;
    shrink();
  }

  private synchronized void giveRoomBack(long own) {
    bytes -= own;
  }

  /**
   * Gives one back.
   *
   * @param isWell whether it ran as it should, and may be used again
   */
  synchronized void giveBack(Warm warm, boolean isWell) {
    if (!isWell) {
      free(warm);
      freeIdle();
    } else if (closed || idle.containsKey(warm.identity())) {
      free(warm);
    } else {
      idle.put(warm.identity(), warm);
      shrink();
    }
  }

  private void shrink() {
    Iterator<Warm> oldest = idle.values().iterator();
    while (bytes > mostBytes && oldest.hasNext()) {
      Warm leaving = oldest.next();
      oldest.remove();
      free(leaving);
    }
  }

  private void free(Warm warm) {
    bytes -= warm.bytes();
    warm.executable().close();
  }

  /** Frees components that are not in use. */
  synchronized void free(Collection<?> identities) {
    for (Object identity : identities) {
      Optional.ofNullable(idle.remove(identity)).ifPresent(this::free);
    }
  }

  /** Bytes of all weights that are loaded, in use or not. */
  synchronized long bytes() {
    return bytes;
  }

  /** Frees all; those in use, when they are given back. */
  @Override
  public synchronized void close() {
    closed = true;
    freeIdle();
  }
}
