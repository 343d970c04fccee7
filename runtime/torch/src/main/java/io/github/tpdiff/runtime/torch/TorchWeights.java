package io.github.tpdiff.runtime.torch;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.FileRegion;
import io.github.tpdiff.weights.FloatCodec;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSource;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The weights of a program as PyTorch tensors in the checkpoint's element type.
 *
 * <p>Methods read BF16 and eight-bit floats from the bits of other types, see {@link WeightForm}.
 *
 * <p>On the CPU a weight is a view of the checkpoint's mapping, held for as long as the program is
 * and costing no memory of its own. What PyTorch cannot read in place (other element types, scaled
 * tensors, addresses that do not suit the type) is copied for each use. On a GPU all are held,
 * unless they are {@linkplain #offload offloaded}.
 */
final class TorchWeights implements AutoCloseable {
  private static final long PIECE = 1L << 27;

  private final TensorSource source;
  private final TorchModule module;
  private final NDManager held;
  private final Map<String, NDArray> ready = new HashMap<>();
  private final Map<String, NDArray> scales = new HashMap<>();
  private Optional<SegmentWindow> window = Optional.empty();

  /** A tensor of some source. */
  private record Payload(TensorSource source, TensorInfo info) {}

  TorchWeights(TensorSource source, TorchModule module, NDManager held) {
    this.source = source;
    this.module = module;
    this.held = held;
  }

  /** Checks that what native code is about to read is still there. */
  void requireUnchanged() {
    source.requireUnchanged();
  }

  /**
   * From now on keeps weights on the host and has them on the device around the time when their
   * segment runs; scales stay there.
   *
   * @param bySegment names, none of them twice
   */
  void offload(List<Set<String>> bySegment) {
    var host = new TorchWeights(source, module, held.newSubManager(Device.cpu()));
    window = Optional.of(new SegmentWindow(bySegment, host::copyToDevice, held.newSubManager()));
  }

  /** A copy of what is here on the host, in memory of PyTorch's own on {@code scope}'s device. */
  private NDArray copyToDevice(String name, NDManager scope) {
    requireUnchanged();
    try (NDManager parts = held.newSubManager()) {
      NDArray here = get(name, parts);
      Device device = scope.getDevice();
      NDArray there = device.isGpu() ? here.toDevice(device, true) : here.duplicate();
      there.attach(scope);
      return there;
    }
  }

  /**
   * Makes ready what segment {@code segment} reads and begins with what {@code next} does, which
   * mostly runs after it. Of what is offloaded, nothing else is left on the device.
   */
  void enter(int segment, int next) {
    window.ifPresent(own -> own.enter(segment, next));
  }

  /** Waits for what is being brought of the segment that runs next. */
  void awaitBrought() {
    window.ifPresent(SegmentWindow::awaitBrought);
  }

  /** The tensor of that name, or its codes, held or belonging to {@code scope}. */
  NDArray get(String name, NDManager scope) {
    NDArray known = ready.get(name);
    if (known != null) {
      return known;
    }
    Optional<NDArray> brought = window.flatMap(own -> own.find(name));
    if (brought.isPresent()) {
      return brought.get();
    }
    Payload payload = payload(name);
    if (scope.getDevice().isGpu()) {
      NDArray uploaded = load(payload, held);
      ready.put(name, uploaded);
      return uploaded;
    }
    Optional<NDArray> view = view(payload, held);
    view.ifPresent(array -> ready.put(name, array));
    return view.orElseGet(() -> load(payload, scope));
  }

  private Payload payload(String name) {
    return WeightForm.of(source, name).isScaled()
        ? source.scaled(name).map(codes -> new Payload(codes.source(), codes.info())).orElseThrow()
        : new Payload(source, source.require(name));
  }

  /** The scale of each row of a tensor of codes, in as many dimensions, held. */
  NDArray scales(String name) {
    return scales.computeIfAbsent(
        name,
        n -> {
          float[] each = source.scaled(n).orElseThrow().scales();
          long[] shape = new long[source.require(n).shape().size()];
          Arrays.fill(shape, 1);
          if (shape.length > 0) {
            shape[0] = each.length;
          }
          return HostTensors.copy(Tensor.ofFloats(each, shape), held);
        });
  }

  /** Puts {@code array}, which this now owns, in place of the tensor of that name. */
  void replace(String name, NDArray array) {
    NDArray before = ready.put(name, array);
    if (before != null) {
      before.close();
    }
  }

  @Override
  public void close() {
    window.ifPresent(SegmentWindow::close);
  }

  /** A view of the checkpoint, if PyTorch can read it where it lies. */
  private Optional<NDArray> view(Payload payload, NDManager scope) {
    TensorInfo info = payload.info();
    Optional<DataType> type = dataType(info.dtype());
    if (type.isEmpty() || payload.source().stored(info.name()).dtype() != info.dtype()) {
      return Optional.empty();
    }
    if (info.byteCount() > Integer.MAX_VALUE) {
      return payload.source().region(info.name()).flatMap(region -> mapped(info, region, scope));
    }
    ByteBuffer bytes = payload.source().bytes(info.name());
    return isAligned(bytes, info.dtype())
        ? Optional.of(HostTensors.wrap(bytes, shape(info), type.get(), scope))
        : Optional.empty();
  }

  /** Larger than one Java buffer: PyTorch maps the file itself. */
  private Optional<NDArray> mapped(TensorInfo info, FileRegion region, NDManager scope) {
    if (region.offset() % info.dtype().bytes() != 0) {
      return Optional.empty();
    }
    try (NDManager parts = scope.newSubManager()) {
      NDArray file = module.mapFile(region, info.dtype(), parts);
      long from = region.offset() / info.dtype().bytes();
      NDArray shaped = file.get("{}:{}", from, file.size()).reshape(shape(info));
      shaped.attach(scope);
      return Optional.of(shaped);
    }
  }

  /** A copy in memory of {@code scope}'s device, read in pieces. */
  private NDArray load(Payload payload, NDManager scope) {
    TensorInfo info = payload.info();
    Shape shape = shape(info);
    DataType type = dataType(info.dtype()).orElse(DataType.FLOAT32);
    var pieces = new ArrayList<NDArray>();
    long step = PIECE * info.dtype().bytes();
    for (long start = 0; start < info.byteCount(); start += step) {
      int length = (int) Math.min(step, info.byteCount() - start);
      ByteBuffer bytes = payload.source().bytes(info.name(), start, length);
      ByteBuffer copy =
          dataType(info.dtype()).isPresent() ? copy(bytes) : decoded(info.dtype(), bytes);
      long count = length / info.dtype().bytes();
      pieces.add(HostTensors.wrap(copy, new Shape(count), type, scope));
    }
    if (pieces.isEmpty()) {
      return scope.create(shape, type);
    }
    NDArray joined =
        pieces.size() == 1
            ? pieces.get(0)
            : module.call("join", pieces, TorchModule.Mode.NO_GRAD, scope).get(0);
    NDArray shaped = joined.reshape(shape);
    if (pieces.size() > 1) {
      joined.close();
      pieces.forEach(NDArray::close);
    }
    return shaped;
  }

  private static ByteBuffer copy(ByteBuffer bytes) {
    return ByteBuffer.allocateDirect(bytes.remaining()).put(bytes.duplicate()).flip();
  }

  private static ByteBuffer decoded(DType dtype, ByteBuffer bytes) {
    int count = bytes.remaining() / dtype.bytes();
    var floats = ByteBuffer.allocateDirect(count * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    FloatCodec.decode(dtype, bytes, floats.asFloatBuffer());
    return floats;
  }

  private static boolean isAligned(ByteBuffer bytes, DType dtype) {
    return bytes.alignmentOffset(bytes.position(), dtype.bytes()) == 0;
  }

  private static Shape shape(TensorInfo info) {
    return new Shape(info.shape().stream().mapToLong(Long::longValue).toArray());
  }

  private static Optional<DataType> dataType(DType dtype) {
    return switch (dtype) {
      case F64 -> Optional.of(DataType.FLOAT64);
      case F32 -> Optional.of(DataType.FLOAT32);
      case F16, BF16 -> Optional.of(DataType.FLOAT16);
      case F8_E4M3, F8_E5M2 -> Optional.of(DataType.INT8);
      default -> Optional.empty();
    };
  }
}
