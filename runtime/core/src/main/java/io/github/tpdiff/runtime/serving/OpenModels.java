package io.github.tpdiff.runtime.serving;

import io.github.tpdiff.runtime.model.PipelineParts;
import io.github.tpdiff.runtime.pipeline.LoraChoice;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/**
 * The models of one device, opened without LoRAs for as long as this is, and with those that are
 * asked for while somebody uses them and some more.
 */
final class OpenModels implements AutoCloseable {
  /** Sets of LoRAs that stay open though nobody uses them. */
  private static final int KEPT = 4;

  private final Map<String, ModelOpener> openers;
  private final WarmExecutables warm;
  private final Map<Key, Opened> opened = new LinkedHashMap<>(); // the least recently used first
  private boolean closed;

  private record Key(String model, List<LoraChoice> loras) {}

  private static final class Opened {
    private int users;
    private volatile Optional<PipelineParts> parts = Optional.empty();

    /** Reading the files of one keeps nobody from another. */
    synchronized PipelineParts parts(ModelOpener opener, Key key) {
      if (parts.isEmpty()) {
        parts = Optional.of(opener.open(key.loras()));
      }
      return parts.get();
    }

    Optional<PipelineParts> found() {
      return parts;
    }
  }

  /** An opened model that somebody uses until it is closed. */
  final class Use implements AutoCloseable {
    private final Key key;
    private final PipelineParts parts;

    private Use(Key key, PipelineParts parts) {
      this.key = key;
      this.parts = parts;
    }

    PipelineParts parts() {
      return parts;
    }

    @Override
    public void close() {
      release(key);
    }
  }

  /**
   * Opens every model, so that what is wrong with one is known at once.
   *
   * @param openers stay the caller's to close
   */
  OpenModels(Map<String, ModelOpener> openers, WarmExecutables warm) {
    this.openers = openers;
    this.warm = warm;
    boolean isOpen = false;
    try {
      openers.keySet().forEach(model -> use(model, List.of()));
      isOpen = true;
    } finally {
      if (!isOpen) {
        close();
      }
    }
  }

  Set<String> names() {
    return openers.keySet();
  }

  /** A model with LoRAs. */
  Use use(String model, List<LoraChoice> loras) {
    var key = new Key(model, loras);
    Opened found = retain(key);
    boolean isOpen = false;
    try {
      var use = new Use(key, found.parts(Objects.requireNonNull(openers.get(model)), key));
      isOpen = true;
      return use;
    } finally {
      if (!isOpen) {
        release(key);
      }
    }
  }

  private synchronized Opened retain(Key key) {
    if (closed) {
      throw new IllegalStateException("the service is closed");
    }
    Opened found = Optional.ofNullable(opened.remove(key)).orElseGet(Opened::new);
    opened.put(key, found);
    found.users++;
    return found;
  }

  private synchronized void release(Key key) {
    Opened found = opened.get(key);
    if (found == null) {
      return; // closed meanwhile
    }
    found.users--;
    if (found.users == 0 && found.found().isEmpty()) {
      opened.remove(key); // it could not be opened; the next one tries again
    }
    List<Key> idle =
        opened.entrySet().stream()
            .filter(entry -> entry.getValue().users == 0)
            .map(Map.Entry::getKey)
            .toList();
    idle.subList(0, Math.max(0, idle.size() - KEPT)).forEach(this::close);
  }

  /** Closes one, after the components that it alone has. */
  private void close(Key key) {
    Opened leaving = Objects.requireNonNull(opened.remove(key));
    leaving
        .found()
        .ifPresent(
            parts -> {
              Set<Object> own = identities(parts);
              opened.values().stream()
                  .flatMap(other -> other.found().stream())
                  .forEach(other -> own.removeAll(identities(other)));
              warm.free(own);
              parts.close();
            });
  }

  private static Set<Object> identities(PipelineParts parts) {
    var identities = new HashSet<Object>();
    parts.components().forEach(component -> identities.add(parts.identity(component)));
    return identities;
  }

  /** Closes all of them; no generation uses one any more. */
  @Override
  public synchronized void close() {
    closed = true;
    warm.close();
    opened.values().forEach(own -> own.found().ifPresent(PipelineParts::close));
    opened.clear();
  }
}
