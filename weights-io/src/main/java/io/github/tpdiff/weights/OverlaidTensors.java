package io.github.tpdiff.weights;

import java.nio.ByteBuffer;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** A source with the tensors of another added or in place of its own. */
final class OverlaidTensors implements TensorSource {

  private final TensorSource below;
  private final TensorSource top;

  OverlaidTensors(TensorSource below, TensorSource top) {
    this.below = below;
    this.top = top;
  }

  @Override
  public Set<String> names() {
    Set<String> names = new LinkedHashSet<>(below.names());
    names.addAll(top.names());
    return Collections.unmodifiableSet(names);
  }

  @Override
  public Optional<TensorInfo> find(String name) {
    return holder(name).find(name);
  }

  @Override
  public ByteBuffer bytes(String name, long offset, int length) {
    return holder(name).bytes(require(name).name(), offset, length);
  }

  @Override
  public Optional<FileRegion> region(String name) {
    return holder(name).region(name);
  }

  @Override
  public TensorInfo stored(String name) {
    return holder(name).stored(require(name).name());
  }

  @Override
  public Optional<ScaledCodes> scaled(String name) {
    return holder(name).scaled(require(name).name());
  }

  @Override
  public Map<String, String> metadata() {
    Map<String, String> metadata = new LinkedHashMap<>(below.metadata());
    metadata.putAll(top.metadata());
    return Collections.unmodifiableMap(metadata);
  }

  @Override
  public String origin() {
    return below.origin();
  }

  @Override
  public void requireUnchanged() {
    below.requireUnchanged();
    top.requireUnchanged();
  }

  @Override
  public void close() {
    try {
      top.close();
    } finally {
      below.close();
    }
  }

  private TensorSource holder(String name) {
    return top.find(name).isPresent() ? top : below;
  }
}
