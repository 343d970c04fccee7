package io.github.tpdiff.weights;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A source some of whose tensors are rounded to eight-bit codes with scales, and appear as the F32
 * tensors that they then stand for. Codes are computed for each slice that is read; scales are
 * kept.
 */
final class QuantizedTensors extends TensorView {

  /** Elements looked at together. */
  private static final int SLICE = 1 << 20;

  private final Quantization quantization;
  private final Set<String> names = new LinkedHashSet<>();
  private final Map<String, float[]> scales = new ConcurrentHashMap<>();
  private final Codes codes;

  /**
   * @param chosen of which those are rounded that are wider than eight bits, in the source and
   *     where they are stored, or in eight bits of the other kind
   */
  QuantizedTensors(TensorSource source, Set<String> chosen, Quantization quantization) {
    super(source);
    this.quantization = quantization;
    this.codes = new Codes(source);
    for (String name : chosen) {
      boolean kept =
          source.scaled(name).filter(own -> quantization.keeps(own.info().dtype())).isPresent();
      if (source.require(name).dtype().isFloating() && !kept) {
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
    return new ScaledCodes(codes, name, () -> scales(name));
  }

  private float[] scales(String name) {
    return scales.computeIfAbsent(name, this::computedScales);
  }

  /**
   * @throws CheckpointException naming the tensor, when a number is not finite
   */
  private float[] computedScales(String name) {
    TensorInfo info = source().require(name);
    var most = new float[quantization.scales(info)];
    long row = row(info);
    for (long start = 0; start < info.elementCount(); start += SLICE) {
      float[] values = values(name, start, (int) Math.min(SLICE, info.elementCount() - start));
      for (int i = 0; i < values.length; i++) {
        if (!Float.isFinite(values[i])) {
          throw FiniteNumbers.notFinite(origin(), name, values[i]);
        }
        int scale = (int) ((start + i) / row);
        most[scale] = Math.max(most[scale], Math.abs(values[i]));
      }
    }
    for (int i = 0; i < most.length; i++) {
      most[i] = quantization.scale(most[i]);
    }
    return most;
  }

  /** How many elements share a scale. */
  private long row(TensorInfo info) {
    return Math.max(1, info.elementCount() / Math.max(1, quantization.scales(info)));
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
      return source()
          .find(name)
          .map(info -> new TensorInfo(name, quantization.dtype(), info.shape()));
    }

    @Override
    public ByteBuffer bytes(String name, long offset, int length) {
      Slices.check(this, require(name), offset, length);
      float[] scales = scales(name);
      long row = row(source().require(name));
      ByteBuffer own = ByteBuffer.allocateDirect(length).order(ByteOrder.LITTLE_ENDIAN);
      while (own.hasRemaining()) {
        int count = Math.min(SLICE, own.remaining());
        long first = offset + own.position();
        float[] values = values(name, first, count);
        for (int i = 0; i < count; i++) {
          values[i] /= scales[(int) ((first + i) / row)];
        }
        quantization.encode(values, own);
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
      return Optional.of(QuantizedTensors.this.scaledCodes(name));
    }
  }
}
