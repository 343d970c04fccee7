package io.github.tpdiff.weights;

import java.nio.ByteBuffer;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Another source seen differently; as it is in all that a subclass does not say. */
public abstract class TensorView implements TensorSource {

  private final TensorSource source;

  /** A view that closes {@code source} with itself. */
  protected TensorView(TensorSource source) {
    this.source = source;
  }

  /** What is seen. */
  protected final TensorSource source() {
    return source;
  }

  @Override
  public Set<String> names() {
    return source.names();
  }

  @Override
  public Optional<TensorInfo> find(String name) {
    return source.find(name);
  }

  @Override
  public ByteBuffer bytes(String name, long offset, int length) {
    return source.bytes(name, offset, length);
  }

  @Override
  public Optional<FileRegion> region(String name) {
    return source.region(name);
  }

  @Override
  public TensorInfo stored(String name) {
    return source.stored(name);
  }

  @Override
  public Optional<ScaledCodes> scaled(String name) {
    return source.scaled(name);
  }

  @Override
  public Map<String, String> metadata() {
    return source.metadata();
  }

  @Override
  public String origin() {
    return source.origin();
  }

  @Override
  public void requireUnchanged() {
    source.requireUnchanged();
  }

  @Override
  public void close() {
    source.close();
  }
}
