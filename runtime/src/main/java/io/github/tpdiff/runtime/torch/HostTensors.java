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

  /** A copy on the host. */
  static Tensor toHost(NDArray array) {
    ElementType type = array.getDataType() == DataType.INT64 ? ElementType.I64 : ElementType.F32;
    ByteBuffer bytes = array.toByteBuffer(true);
    ByteBuffer copy = ByteBuffer.allocateDirect(bytes.remaining()).put(bytes.duplicate()).flip();
    return Tensor.of(type, array.getShape().getShape(), copy);
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

  /** Refuses an input of the wrong element type. */
  static void requireType(String program, String input, Value expected, Tensor found) {
    if (expected.type() != found.type()) {
      throw new GraphException(
          "%s: input %s: expected %s, found %s".formatted(program, input, expected.type(), found));
    }
  }

  private static DataType dataType(ElementType type) {
    return type == ElementType.F32 ? DataType.FLOAT32 : DataType.INT64;
  }
}
