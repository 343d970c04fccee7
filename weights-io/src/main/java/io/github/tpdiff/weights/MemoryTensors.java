package io.github.tpdiff.weights;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Tensors held in direct buffers. */
public final class MemoryTensors implements TensorSource {

  private record Tensor(TensorInfo info, ByteBuffer payload) {}

  private final Map<String, Tensor> tensors;
  private final Map<String, String> metadata;

  private MemoryTensors(Builder builder) {
    tensors = Collections.unmodifiableMap(new LinkedHashMap<>(builder.tensors));
    metadata = Collections.unmodifiableMap(new LinkedHashMap<>(builder.metadata));
  }

  public static Builder builder() {
    return new Builder();
  }

  /** Collects tensors; names are used once. */
  public static final class Builder {

    private final Map<String, Tensor> tensors = new LinkedHashMap<>();
    private final Map<String, String> metadata = new LinkedHashMap<>();

    private Builder() {}

    /** Adds the remaining bytes of {@code payload}; kept without a copy when direct. */
    public Builder add(TensorInfo info, ByteBuffer payload) {
      if (payload.remaining() != info.byteCount()) {
        throw new CheckpointException(
            "tensor '%s': expected %d bytes for %s %s, found %d"
                .formatted(
                    info.name(),
                    info.byteCount(),
                    info.dtype(),
                    info.shape(),
                    payload.remaining()));
      }
      ByteBuffer kept = payload.slice();
      if (!payload.isDirect()) {
        kept = ByteBuffer.allocateDirect(payload.remaining()).put(kept).flip();
      }
      if (tensors.putIfAbsent(info.name(), new Tensor(info, kept.asReadOnlyBuffer())) != null) {
        throw new CheckpointException("tensor '%s' is added twice".formatted(info.name()));
      }
      return this;
    }

    /** Adds a tensor of fp32 values. */
    public Builder addFloats(String name, List<Long> shape, float... values) {
      ByteBuffer payload = allocate(values.length, DType.F32);
      payload.asFloatBuffer().put(values);
      return add(new TensorInfo(name, DType.F32, shape), payload);
    }

    /** Adds a tensor of 64-bit integers. */
    public Builder addLongs(String name, List<Long> shape, long... values) {
      ByteBuffer payload = allocate(values.length, DType.I64);
      payload.asLongBuffer().put(values);
      return add(new TensorInfo(name, DType.I64, shape), payload);
    }

    /** Adds an accompanying string. */
    public Builder metadata(String key, String value) {
      metadata.put(key, value);
      return this;
    }

    public MemoryTensors build() {
      return new MemoryTensors(this);
    }

    private static ByteBuffer allocate(int elements, DType dtype) {
      return ByteBuffer.allocateDirect(Math.multiplyExact(elements, dtype.bytes()))
          .order(ByteOrder.LITTLE_ENDIAN);
    }
  }

  /** Type and shape of every tensor, in order. */
  public List<TensorInfo> infos() {
    List<TensorInfo> infos = new ArrayList<>();
    tensors.values().forEach(tensor -> infos.add(tensor.info()));
    return infos;
  }

  @Override
  public Set<String> names() {
    return tensors.keySet();
  }

  @Override
  public Optional<TensorInfo> find(String name) {
    return Optional.ofNullable(tensors.get(name)).map(Tensor::info);
  }

  @Override
  public ByteBuffer bytes(String name, long offset, int length) {
    TensorInfo info = require(name);
    Slices.check(this, info, offset, length);
    return Optional.ofNullable(tensors.get(name))
        .orElseThrow()
        .payload()
        .slice((int) offset, length)
        .order(ByteOrder.LITTLE_ENDIAN);
  }

  @Override
  public Optional<FileRegion> region(String name) {
    return Optional.empty();
  }

  @Override
  public Map<String, String> metadata() {
    return metadata;
  }

  @Override
  public String origin() {
    return "tensors in memory";
  }

  /** Does nothing: the buffers go with the last reference to them. */
  @Override
  public void close() {}
}
