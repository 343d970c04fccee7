package io.github.tpdiff.weights;

import java.nio.ByteBuffer;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/** A source under other names. */
final class RenamedTensors extends TensorView {

  private final Map<String, String> oldNames = new LinkedHashMap<>();

  RenamedTensors(TensorSource source, Function<String, Optional<String>> newName) {
    super(source);
    for (String old : source.names()) {
      newName
          .apply(old)
          .ifPresent(
              renamed -> {
                String other = oldNames.putIfAbsent(renamed, old);
                if (other != null) {
                  throw new CheckpointException(
                      "%s: tensors '%s' and '%s' would both be named '%s'"
                          .formatted(source.origin(), other, old, renamed));
                }
              });
    }
  }

  @Override
  public Set<String> names() {
    return Collections.unmodifiableSet(oldNames.keySet());
  }

  @Override
  public Optional<TensorInfo> find(String name) {
    return Optional.ofNullable(oldNames.get(name))
        .flatMap(source()::find)
        .map(info -> info.withName(name));
  }

  @Override
  public ByteBuffer bytes(String name, long offset, int length) {
    return source().bytes(oldName(name), offset, length);
  }

  @Override
  public Optional<FileRegion> region(String name) {
    return source().region(oldName(name));
  }

  @Override
  public TensorInfo stored(String name) {
    return source().stored(oldName(name)).withName(name);
  }

  @Override
  public Optional<ScaledCodes> scaled(String name) {
    return source().scaled(oldName(name));
  }

  private String oldName(String name) {
    return oldNames.getOrDefault(require(name).name(), name);
  }
}
