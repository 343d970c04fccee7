package io.github.tpdiff.weights;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.LinkedHashSet;
import java.util.Optional;
import java.util.Set;

/** A source some of whose tensors are rounded to BF16, for each slice that is read. */
final class Bf16Tensors extends TensorView {

  /** Elements rounded together. */
  private static final int SLICE = 1 << 20;

  private final Set<String> names = new LinkedHashSet<>();

  /**
   * @param chosen of which those are rounded that are floating, no BF16, and not stored in fewer
   *     bits
   */
  Bf16Tensors(TensorSource source, Set<String> chosen) {
    super(source);
    for (String name : chosen) {
      DType dtype = source.require(name).dtype();
      boolean isWider = dtype == DType.F64 || dtype == DType.F32 || dtype == DType.F16;
      if (isWider && source.scaled(name).isEmpty()) {
        names.add(name);
      }
    }
  }

  @Override
  public Optional<TensorInfo> find(String name) {
    return names.contains(name)
        ? source().find(name).map(info -> new TensorInfo(name, DType.BF16, info.shape()))
        : source().find(name);
  }

  /**
   * @throws CheckpointException also naming the tensor, when a number is not finite or not in BF16
   */
  @Override
  public ByteBuffer bytes(String name, long offset, int length) {
    if (!names.contains(name)) {
      return source().bytes(name, offset, length);
    }
    TensorInfo info = require(name);
    Slices.check(this, info, offset, length);
    DType dtype = source().require(name).dtype();
    int own = DType.BF16.bytes();
    long first = offset / own;
    int count = Math.toIntExact((offset + length + own - 1) / own - first);
    ByteBuffer whole =
        ByteBuffer.allocateDirect(Math.multiplyExact(count, own)).order(ByteOrder.LITTLE_ENDIAN);
    for (int start = 0; start < count; start += SLICE) {
      int some = Math.min(SLICE, count - start);
      float[] values =
          FloatCodec.decode(
              dtype, source().bytes(name, (first + start) * dtype.bytes(), some * dtype.bytes()));
      FiniteNumbers.requireStorable(origin(), info, values);
      FloatCodec.encode(FloatBuffer.wrap(values), DType.BF16, whole);
    }
    return whole
        .flip()
        .slice((int) (offset - first * own), length)
        .asReadOnlyBuffer()
        .order(ByteOrder.LITTLE_ENDIAN);
  }

  @Override
  public Optional<FileRegion> region(String name) {
    return names.contains(name) ? Optional.empty() : source().region(name);
  }

  /** What is rounded as it is here: whoever holds it holds no more than that. */
  @Override
  public TensorInfo stored(String name) {
    return names.contains(name) ? require(name) : source().stored(name);
  }
}
