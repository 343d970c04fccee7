package io.github.tpdiff.weights;

import java.nio.ByteBuffer;
import java.util.Optional;

/** A source that refuses to hand out NaN and infinities. */
final class FiniteTensors extends TensorView {

  FiniteTensors(TensorSource source) {
    super(source);
  }

  @Override
  public ByteBuffer bytes(String name, long offset, int length) {
    ByteBuffer bytes = source().bytes(name, offset, length);
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
  public Optional<ScaledCodes> scaled(String name) {
    return source().scaled(name).map(ScaledCodes::finite);
  }
}
