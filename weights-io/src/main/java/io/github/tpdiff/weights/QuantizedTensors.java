package io.github.tpdiff.weights;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A source some of whose tensors are rounded to E4M3 with one scale a tensor, its largest magnitude
 * over 448, and appear as the F32 tensors that they then stand for. Codes are computed for each
 * slice that is read; scales are kept.
 */
final class QuantizedTensors extends TensorView {

  /** The largest E4M3 number. */
  private static final float LARGEST = 448;

  /** Elements looked at together. */
  private static final int SLICE = 1 << 20;

  private final Set<String> names = new LinkedHashSet<>();
  private final Map<String, Float> scales = new ConcurrentHashMap<>();
  private final Codes codes;

  /**
   * @param chosen of which those are rounded that are wider than eight bits, in the source and
   *     where they are stored
   */
  QuantizedTensors(TensorSource source, Set<String> chosen) {
    super(source);
    this.codes = new Codes(source);
    for (String name : chosen) {
      DType dtype = source.require(name).dtype();
      if (dtype.isFloating() && dtype.bits() > Byte.SIZE && source.scaled(name).isEmpty()) {
        names.add(name);
      }
    }
  }

  @Override
  public Optional<TensorInfo> find(String name) {
    return names.contains(name)
        ? source().find(name).map(info -> new TensorInfo(name, DType.F32, info.shape()))
        : source().find(name);
  }

  @Override
  public ByteBuffer bytes(String name, long offset, int length) {
    return names.contains(name)
        ? scaledCodes(name).bytes(offset, length)
        : source().bytes(name, offset, length);
  }

  @Override
  public Optional<FileRegion> region(String name) {
    return names.contains(name) ? Optional.empty() : source().region(name);
  }

  @Override
  public TensorInfo stored(String name) {
    return names.contains(name) ? codes.require(name) : source().stored(name);
  }

  @Override
  public Optional<ScaledCodes> scaled(String name) {
    return names.contains(name) ? Optional.of(scaledCodes(name)) : source().scaled(name);
  }

  private ScaledCodes scaledCodes(String name) {
    return new ScaledCodes(codes, name, () -> new float[] {scale(name)});
  }

  private float scale(String name) {
    return scales.computeIfAbsent(name, this::computedScale);
  }

  /**
   * @throws CheckpointException naming the tensor, when a number is not finite
   */
  private float computedScale(String name) {
    long count = source().require(name).elementCount();
    float most = 0;
    for (long start = 0; start < count; start += SLICE) {
      for (float value : values(name, start, (int) Math.min(SLICE, count - start))) {
        if (!Float.isFinite(value)) {
          throw FiniteNumbers.notFinite(origin(), name, value);
        }
        most = Math.max(most, Math.abs(value));
      }
    }
    return most == 0 ? 1 : Math.max(most / LARGEST, Float.MIN_VALUE);
  }

  private float[] values(String name, long first, int count) {
    DType dtype = source().require(name).dtype();
    int size = dtype.bytes();
    return FloatCodec.decode(dtype, source().bytes(name, first * size, count * size));
  }

  /** The codes, under the names of what they stand for. */
  private final class Codes extends TensorView {
    Codes(TensorSource source) {
      super(source);
    }

    @Override
    public Optional<TensorInfo> find(String name) {
      return source().find(name).map(info -> new TensorInfo(name, DType.F8_E4M3, info.shape()));
    }

    @Override
    public ByteBuffer bytes(String name, long offset, int length) {
      Slices.check(this, require(name), offset, length);
      float scale = scale(name);
      ByteBuffer own = ByteBuffer.allocateDirect(length).order(ByteOrder.LITTLE_ENDIAN);
      while (own.hasRemaining()) {
        int count = Math.min(SLICE, own.remaining());
        float[] values = values(name, offset + own.position(), count);
        for (int i = 0; i < count; i++) {
          // A scale that is subnormal is rounded too far to bring every number below the largest.
          values[i] = Math.max(-LARGEST, Math.min(LARGEST, values[i] / scale));
        }
        FloatCodec.encode(FloatBuffer.wrap(values), DType.F8_E4M3, own);
      }
      return own.flip().asReadOnlyBuffer().order(ByteOrder.LITTLE_ENDIAN);
    }

    @Override
    public Optional<FileRegion> region(String name) {
      return Optional.empty();
    }

    @Override
    public TensorInfo stored(String name) {
      return require(name);
    }

    @Override
    public Optional<ScaledCodes> scaled(String name) {
      return Optional.of(ScaledCodes.plain(this, name));
    }
  }
}
