package io.github.tpdiff.runtime.torch;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.ndarray.types.SparseFormat;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.jni.JniUtils;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.graph.ElementType;
import io.github.tpdiff.runtime.graph.GraphException;
import io.github.tpdiff.runtime.graph.Op;
import io.github.tpdiff.runtime.graph.Value;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;

/** Host tensors to PyTorch's and back. */
final class HostTensors {
  private HostTensors() {}

  /** On the CPU a view of the tensor's memory, elsewhere a copy. */
  static NDArray toDevice(Tensor tensor, NDManager scope) {
    return wrap(tensor.bytes(), new Shape(tensor.shape()), dataType(tensor.type()), scope);
  }

  /** As {@link #toDevice}, for any buffer: direct, little-endian, read from its position on. */
  static NDArray wrap(ByteBuffer bytes, Shape shape, DataType type, NDManager scope) {
    return JniUtils.createNdFromByteBuffer(
        (PtNDManager) scope, bytes.slice(), shape, type, SparseFormat.DENSE, scope.getDevice());
  }

  /** A copy on the device, whatever becomes of the tensor's memory. */
  static NDArray copy(Tensor tensor, NDManager scope) {
    try (NDArray view = toDevice(tensor, scope)) {
      return view.duplicate();
    }
  }

  /** A copy on the host. */
  static Tensor toHost(NDArray array) {
    ElementType type = array.getDataType() == DataType.INT64 ? ElementType.I64 : ElementType.F32;
    ByteBuffer bytes = array.toByteBuffer(true);
    ByteBuffer copy = ByteBuffer.allocateDirect(bytes.remaining()).put(bytes.duplicate()).flip();
    return Tensor.of(type, array.getShape().getShape(), copy);
  }

  /** Returns when a manager's device has done all that this thread asked of it. */
  static void await(NDManager manager) {
    if (manager.getDevice().isGpu()) {
      try (NDArray mark = manager.create(0f)) {
        mark.toFloatArray(); // read back after everything before it
      }
    }
  }

  /** The numbers of a constant. */
  static NDArray constant(Value value, NDManager scope) {
    long[] shape = value.shape().evaluate(Map.of());
    if (value.op() instanceof Op.FloatConstant constant) {
      var floats = new float[constant.values().size()];
      for (int i = 0; i < floats.length; i++) {
        floats[i] = constant.values().get(i);
      }
      return toDevice(Tensor.ofFloats(floats, shape), scope);
    }
    var longs =
        ((Op.LongConstant) value.op()).values().stream().mapToLong(Long::longValue).toArray();
    return toDevice(Tensor.ofLongs(longs, shape), scope);
  }

  /**
   * What of the given a program reads.
   *
   * @throws GraphException if one has another element type
   */
  static Map<String, NDArray> toDevice(
      String program, Map<String, Value> inputs, Map<String, Tensor> given, NDManager scope) {
    var arrays = new HashMap<String, NDArray>();
    inputs.forEach(
        (name, expected) -> {
          Tensor tensor = given.get(name);
          if (tensor != null) {
            if (expected.type() != tensor.type()) {
              throw new GraphException(
                  "%s: input %s: expected %s, found %s"
                      .formatted(program, name, expected.type(), tensor));
            }
            arrays.put(name, toDevice(tensor, scope));
          }
        });
    return arrays;
  }

  private static DataType dataType(ElementType type) {
    return type == ElementType.F32 ? DataType.FLOAT32 : DataType.INT64;
  }
}
