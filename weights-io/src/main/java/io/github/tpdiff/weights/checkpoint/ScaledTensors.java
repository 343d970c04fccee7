package io.github.tpdiff.weights.checkpoint;

import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.FileRegion;
import io.github.tpdiff.weights.FloatCodec;
import io.github.tpdiff.weights.ScaledCodes;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.TensorView;
import java.nio.ByteBuffer;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * A checkpoint without its scales: tensors stored as eight-bit floats beside a scale appear as the
 * F32 tensors they stand for, {@code float(fp8) · scale}, computed for each slice that is read. All
 * other tensors lie where they lay.
 *
 * <p>What {@link ScaleNames} knows as no weight (scales of activations, markers, a tokenizer) is
 * left out.
 */
final class ScaledTensors extends TensorView {

  private static final String QUANTIZATION_METADATA = "_quantization_metadata";

  private final Map<String, ScaledCodes> scaled;
  private final Set<String> names;

  private ScaledTensors(TensorSource source, Map<String, ScaledCodes> scaled, Set<String> names) {
    super(source);
    this.scaled = scaled;
    this.names = Collections.unmodifiableSet(names);
  }

  /**
   * The tensors that a checkpoint stands for: itself, if it has no scales.
   *
   * @throws CheckpointException naming the scale, when it has no weight of eight-bit floats, when
   *     its shape is neither one number nor one for each row, or when it is no positive number
   */
  static TensorSource of(TensorSource source) {
    ScaleNames known = ScaleNames.in(source);
    if (known.dropped().isEmpty()) {
      return source;
    }
    Map<String, ScaledCodes> scaled = new LinkedHashMap<>();
    known.scales().forEach((weight, scale) -> scaled(source, weight, scale, scaled));
    Set<String> names = new LinkedHashSet<>(source.names());
    names.removeAll(known.dropped());
    return new ScaledTensors(source, scaled, names);
  }

  private static void scaled(
      TensorSource source, String weight, String scale, Map<String, ScaledCodes> scaled) {
    float[] scales = scales(source, scale, source.require(weight));
    TensorInfo stored = source.require(weight);
    boolean plain = scales.length == 1 && scales[0] == 1;
    if (stored.dtype().isEightBitFloat()) {
      requireProduct(source, scale, scales, stored.dtype());
      scaled.put(weight, new ScaledCodes(source, weight, () -> scales));
    } else if (!plain || !stored.dtype().isFloating()) {
      throw new CheckpointException(
          "%s: tensor '%s': expected eight-bit floats beside '%s', found %s"
              .formatted(source.origin(), weight, scale, stored.dtype()));
    }
  }

  private static float[] scales(TensorSource source, String name, TensorInfo weight) {
    TensorInfo info = source.require(name);
    long rows = weight.shape().isEmpty() ? 1 : weight.shape().get(0);
    long count = info.elementCount();
    boolean one = count == 1;
    boolean perRow = count == rows && !info.shape().isEmpty() && info.shape().get(0) == rows;
    if (!info.dtype().isFloating() || !(one || perRow)) {
      throw new CheckpointException(
          ("%s: tensor '%s': expected one scale, or one for each of the %d rows of '%s' %s, found"
                  + " %s %s")
              .formatted(
                  source.origin(),
                  name,
                  rows,
                  weight.name(),
                  weight.shape(),
                  info.dtype(),
                  info.shape()));
    }
    float[] scales = source.floats(name);
    for (float scale : scales) {
      if (!(scale > 0) || Float.isInfinite(scale)) {
        throw new CheckpointException(
            "%s: tensor '%s': expected positive finite scales of '%s', found %s"
                .formatted(source.origin(), name, weight.name(), scale));
      }
    }
    return scales;
  }

  private static void requireProduct(
      TensorSource source, String name, float[] scales, DType stored) {
    float largest = largest(stored);
    for (float scale : scales) {
      if (Float.isInfinite(scale * largest)) {
        throw new CheckpointException(
            "%s: tensor '%s': expected scales whose product with %s fits F32, found %s"
                .formatted(source.origin(), name, stored, scale));
      }
    }
  }

  private static float largest(DType stored) {
    ByteBuffer codes = ByteBuffer.allocate(256);
    while (codes.hasRemaining()) {
      codes.put((byte) codes.position());
    }
    float largest = 0;
    for (float value : FloatCodec.decode(stored, codes.flip())) {
      largest = Float.isFinite(value) ? Math.max(largest, value) : largest;
    }
    return largest;
  }

  @Override
  public Set<String> names() {
    return names;
  }

  @Override
  public Optional<TensorInfo> find(String name) {
    ScaledCodes own = scaled.get(name);
    return own != null
        ? Optional.of(new TensorInfo(name, DType.F32, own.info().shape()))
        : names.contains(name) ? source().find(name) : Optional.empty();
  }

  @Override
  public ByteBuffer bytes(String name, long offset, int length) {
    ScaledCodes own = scaled.get(name);
    return own == null
        ? source().bytes(require(name).name(), offset, length)
        : own.bytes(offset, length);
  }

  @Override
  public Optional<FileRegion> region(String name) {
    return scaled.containsKey(name) ? Optional.empty() : source().region(require(name).name());
  }

  @Override
  public TensorInfo stored(String name) {
    ScaledCodes own = scaled.get(name);
    return own == null ? source().stored(require(name).name()) : own.info();
  }

  @Override
  public Optional<ScaledCodes> scaled(String name) {
    return Optional.ofNullable(scaled.get(name)).or(() -> source().scaled(require(name).name()));
  }

  /** The header's, but for what says that tensors are scaled: these are not. */
  @Override
  public Map<String, String> metadata() {
    Map<String, String> metadata = new LinkedHashMap<>(source().metadata());
    metadata.remove(QUANTIZATION_METADATA);
    return Collections.unmodifiableMap(metadata);
  }
}
