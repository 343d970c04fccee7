package io.github.tpdiff.lora;

import io.github.tpdiff.weights.FileRegion;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.lora.LoraMerge;
import io.github.tpdiff.weights.lora.LoraPair;
import io.github.tpdiff.weights.lora.LoraWeights;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * A source with a LoRA added into the tensors it touches, in their own type, computed for each
 * slice that is read. The others lie where they lay.
 */
final class MergedTensors implements TensorSource {
  private static final String WEIGHT = ".weight";

  private final TensorSource base;
  private final LoraWeights lora;
  private final double strength;

  MergedTensors(TensorSource base, LoraWeights lora, double strength) {
    this.base = base;
    this.lora = lora;
    this.strength = strength;
  }

  private Optional<LoraPair> pair(String tensor) {
    return tensor.endsWith(WEIGHT)
        ? Optional.ofNullable(
            lora.pairs().get(tensor.substring(0, tensor.length() - WEIGHT.length())))
        : Optional.empty();
  }

  @Override
  public Set<String> names() {
    return base.names();
  }

  @Override
  public Optional<TensorInfo> find(String name) {
    return base.find(name);
  }

  @Override
  public ByteBuffer bytes(String name, long offset, int length) {
    Optional<LoraPair> pair = pair(name);
    if (pair.isEmpty()) {
      return base.bytes(name, offset, length);
    }
    int size = base.require(name).dtype().bytes();
    long first = offset - offset % size;
    int whole = Math.toIntExact((offset + length - first + size - 1) / size * size);
    ByteBuffer chunk = ByteBuffer.allocateDirect(whole).order(ByteOrder.LITTLE_ENDIAN);
    LoraMerge.merged(base, name, pair.get(), strength).fill(first, chunk);
    return chunk
        .flip()
        .slice((int) (offset - first), length)
        .asReadOnlyBuffer()
        .order(ByteOrder.LITTLE_ENDIAN);
  }

  @Override
  public Optional<FileRegion> region(String name) {
    return pair(name).isPresent() ? Optional.empty() : base.region(name);
  }

  @Override
  public TensorInfo stored(String name) {
    return pair(name).isPresent() ? require(name) : base.stored(name);
  }

  @Override
  public Map<String, String> metadata() {
    Map<String, String> metadata = new LinkedHashMap<>(base.metadata());
    metadata.putAll(LoraModels.trainedFor(lora.metadata()));
    return Collections.unmodifiableMap(metadata);
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
