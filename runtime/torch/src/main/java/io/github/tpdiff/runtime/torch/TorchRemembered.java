package io.github.tpdiff.runtime.torch;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.github.tpdiff.runtime.optim.RememberedTensors;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.FileRegion;
import io.github.tpdiff.weights.Slices;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSource;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** An optimizer's state on the device; a tensor comes to the host when it is read. */
final class TorchRemembered implements TensorSource {
  private record Remembered(TensorInfo info, NDArray array) {}

  private final NDManager held;
  private final Map<String, Remembered> tensors = new LinkedHashMap<>();

  TorchRemembered(NDManager held) {
    this.held = held;
  }

  /** A weight on the device. */
  static TensorInfo info(String name, NDArray array) {
    return new TensorInfo(
        name, DType.F32, Arrays.stream(array.getShape().getShape()).boxed().toList());
  }

  /**
   * Adds a tensor of a state.
   *
   * @param weight it is of
   * @param from a state; one without tensors is that before the first step
   * @throws io.github.tpdiff.weights.CheckpointException if it is missing there or misshapen
   */
  void take(TensorInfo info, NDArray weight, TensorSource from) {
    tensors.put(info.name(), new Remembered(info, first(info, weight, from)));
  }

  private NDArray first(TensorInfo info, NDArray weight, TensorSource from) {
    if (!from.names().isEmpty()) {
      ByteBuffer bytes = from.bytes(RememberedTensors.require(from, info).name());
      return copied(bytes, info);
    }
    return RememberedTensors.beginsAsWeight(info)
        ? copied(HostTensors.toHost(weight).bytes(), info)
        : held.zeros(shape(info), type(info));
  }

  private NDArray copied(ByteBuffer bytes, TensorInfo info) {
    try (NDArray view = HostTensors.wrap(bytes, shape(info), type(info), held)) {
      return view.duplicate();
    }
  }

  private static Shape shape(TensorInfo info) {
    return new Shape(info.shape().stream().mapToLong(Long::longValue).toArray());
  }

  private static DataType type(TensorInfo info) {
    return info.dtype() == DType.U8 ? DataType.UINT8 : DataType.FLOAT32;
  }

  /** The tensor of that name where it is. */
  NDArray array(String name) {
    return remembered(name).array();
  }

  private Remembered remembered(String name) {
    Remembered found = tensors.get(name);
    if (found == null) {
      throw new IllegalStateException("the optimizer remembers no '%s'".formatted(name));
    }
    return found;
  }

  @Override
  public Set<String> names() {
    return Collections.unmodifiableSet(tensors.keySet());
  }

  @Override
  public Optional<TensorInfo> find(String name) {
    return Optional.ofNullable(tensors.get(name)).map(Remembered::info);
  }

  /** Copies the whole tensor, so it is best read whole. */
  @Override
  public ByteBuffer bytes(String name, long offset, int length) {
    Slices.check(this, require(name), offset, length);
    ByteBuffer bytes = array(name).toByteBuffer(true);
    ByteBuffer copy = ByteBuffer.allocateDirect(length);
    copy.put(bytes.duplicate().position(Math.toIntExact(offset)).limit((int) offset + length));
    return copy.flip().asReadOnlyBuffer().order(ByteOrder.LITTLE_ENDIAN);
  }

  @Override
  public Optional<FileRegion> region(String name) {
    return Optional.empty();
  }

  @Override
  public Map<String, String> metadata() {
    return Map.of();
  }

  @Override
  public String origin() {
    return "an optimizer's state";
  }

  /** Does nothing: the optimizer closes what it holds. */
  @Override
  public void close() {}
}
