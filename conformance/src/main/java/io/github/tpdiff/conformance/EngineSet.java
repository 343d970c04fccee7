package io.github.tpdiff.conformance;

import io.github.tpdiff.runtime.engine.Engine;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/** Engines by name, each opened when the first case needs it and closed with the set. */
final class EngineSet implements AutoCloseable {
  private final Map<String, Supplier<Engine>> known;
  private final Map<String, Engine> opened = new LinkedHashMap<>();

  EngineSet(Map<String, Supplier<Engine>> known) {
    this.known = new LinkedHashMap<>(known);
  }

  List<String> names() {
    return List.copyOf(known.keySet());
  }

  /** The engine of that name, one of {@link #names()}. */
  Engine require(String name) {
    Engine engine = opened.get(name);
    if (engine == null) {
      engine = java.util.Objects.requireNonNull(known.get(name), name).get();
      opened.put(name, engine);
    }
    return engine;
  }

  @Override
  public void close() {
    opened.values().forEach(Engine::close);
    opened.clear();
  }
}
