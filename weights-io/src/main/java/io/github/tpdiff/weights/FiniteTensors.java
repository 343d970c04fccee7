package io.github.tpdiff.weights;

import java.nio.ByteBuffer;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** A source that refuses to hand out NaN and infinities. */
final class FiniteTensors implements TensorSource {

  private final TensorSource source;

  FiniteTensors(TensorSource source) {
    this.source = source;
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
    ByteBuffer bytes = source.bytes(name, offset, length);
    DType dtype = require(name).dtype();
    if (dtype.isFloating()) {
      float found = FiniteNumbers.firstNotFinite(dtype, bytes);
      if (found != 0) {
        throw FiniteNumbers.notFinite(origin(), name, found);
      }
    }
    return bytes;
  }

  /** None: whoever reads the file itself reads what nobody looked at. */
  @Override
  public Optional<FileRegion> region(String name) {
    return Optional.empty();
  }

  @Override
  public TensorInfo stored(String name) {
    return source.stored(name);
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
