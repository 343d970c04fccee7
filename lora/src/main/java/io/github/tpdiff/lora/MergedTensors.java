package io.github.tpdiff.lora;

import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.FileRegion;
import io.github.tpdiff.weights.RoundingError;
import io.github.tpdiff.weights.ScaledCodes;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.lora.LoraMerge;
import io.github.tpdiff.weights.lora.PreparedChange;
import io.github.tpdiff.weights.lora.TensorChange;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.UnaryOperator;

/**
 * A source with a LoRA added into the tensors it touches, computed for each slice that is read. The
 * others lie where they lay.
 */
final class MergedTensors implements TensorSource {
  private final TensorSource base;
  private final Map<String, TensorChange> changes;
  private final double strength;
  private final UnaryOperator<DType> types;
  private final Map<String, PreparedChange> ready = new ConcurrentHashMap<>();

  /**
   * @param changes by the tensors' names
   * @param types the type that a changed tensor of a type has here
   */
  MergedTensors(
      TensorSource base,
      Map<String, TensorChange> changes,
      double strength,
      UnaryOperator<DType> types) {
    this.base = base;
    this.changes = Map.copyOf(changes);
    this.strength = strength;
    this.types = types;
  }

  /** Made ready when it is first read, and kept: a DoRA's reads its weight once. */
  private PreparedChange ready(String tensor, TensorChange change) {
    return ready.computeIfAbsent(tensor, name -> change.on(base, name));
  }

  private Optional<TensorChange> change(String tensor) {
    return Optional.ofNullable(changes.get(tensor));
  }

  @Override
  public Set<String> names() {
    return base.names();
  }

  @Override
  public Optional<TensorInfo> find(String name) {
    Optional<TensorInfo> info = base.find(name);
    return change(name).isEmpty()
        ? info
        : info.map(found -> new TensorInfo(name, types.apply(found.dtype()), found.shape()));
  }

  @Override
  public ByteBuffer bytes(String name, long offset, int length) {
    Optional<TensorChange> change = change(name);
    if (change.isEmpty()) {
      return base.bytes(name, offset, length);
    }
    DType dtype = require(name).dtype();
    int size = dtype.bytes();
    long first = offset - offset % size;
    int whole = Math.toIntExact((offset + length - first + size - 1) / size * size);
    ByteBuffer chunk = ByteBuffer.allocateDirect(whole).order(ByteOrder.LITTLE_ENDIAN);
    LoraMerge.merged(
            base,
            new LoraMerge.Change(ready(name, change.get()), strength),
            name,
            new LoraMerge.Stored(dtype, new RoundingError()))
        .fill(first, chunk);
    return chunk
        .flip()
        .slice((int) (offset - first), length)
        .asReadOnlyBuffer()
        .order(ByteOrder.LITTLE_ENDIAN);
  }

  @Override
  public Optional<FileRegion> region(String name) {
    return change(name).isPresent() ? Optional.empty() : base.region(name);
  }

  @Override
  public TensorInfo stored(String name) {
    return change(name).isPresent() ? require(name) : base.stored(name);
  }

  @Override
  public Optional<ScaledCodes> scaled(String name) {
    return change(name).isPresent() ? TensorSource.super.scaled(name) : base.scaled(name);
  }

  @Override
  public Map<String, String> metadata() {
    return base.metadata();
  }

  @Override
  public String origin() {
    return base.origin();
  }

  @Override
  public void requireUnchanged() {
    base.requireUnchanged();
  }

  @Override
  public void close() {
    base.close();
  }
}
