package io.github.tpdiff.runtime.onnx;

import static java.nio.charset.StandardCharsets.UTF_8;

import ai.onnx.proto.OnnxMl.TensorProto;
import io.github.tpdiff.runtime.engine.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Map;

/**
 * Named fp32 tensors as ONNX Runtime's adapters have them ({@code .onnx_adapter}): a flatbuffer of
 * its {@code adapter_schema.fbs}.
 *
 * <p>A flatbuffer's table begins with the way back to its vtable, which says where each field lies;
 * strings, vectors and tables are reached by the way ahead to them. Both kinds of table here have
 * four fields of four bytes, so that each has one vtable for all.
 */
final class AdapterFile {
  private static final int FORMAT_VERSION = 1;
  private static final int HEADER = 8;
  private static final int TABLE = 20;
  private static final int VTABLE = 12;

  private final ByteBuffer bytes;

  private AdapterFile(ByteBuffer bytes) {
    this.bytes = bytes;
  }

  /**
   * The file's bytes, direct.
   *
   * @throws ArithmeticException if there are more than 2^31 − 1
   */
  static ByteBuffer of(Map<String, Tensor> tensors) {
    long size = HEADER + VTABLE + TABLE + VTABLE + 4 + 4L * tensors.size();
    for (Map.Entry<String, Tensor> tensor : tensors.entrySet()) {
      size += TABLE + 4 + tensor.getKey().getBytes(UTF_8).length + 1;
      size += 4 + 8L * tensor.getValue().shape().length;
      size += 4 + tensor.getValue().bytes().remaining() + 3 * 8; // and what aligns the three
    }
    var file =
        new AdapterFile(
            ByteBuffer.allocateDirect(Math.toIntExact(size)).order(ByteOrder.LITTLE_ENDIAN));
    file.write(tensors);
    return file.bytes.flip();
  }

  private void write(Map<String, Tensor> tensors) {
    int root = HEADER + VTABLE;
    bytes.putInt(root).put("TORT".getBytes(UTF_8));
    putVtable();
    bytes.putInt(root - HEADER);
    bytes.putInt(FORMAT_VERSION).putInt(1).putInt(1); // then the versions of adapter and model
    bytes.putInt(4 + VTABLE); // to the vector, past the vtable of parameters
    int vtable = bytes.position();
    putVtable();
    bytes.putInt(tensors.size());
    int offset = bytes.position();
    bytes.position(offset + 4 * tensors.size());
    for (Map.Entry<String, Tensor> tensor : tensors.entrySet()) {
      align(0, 4);
      bytes.putInt(offset, bytes.position() - offset);
      offset += 4;
      putParameter(tensor.getKey(), tensor.getValue(), vtable);
    }
  }

  private void putVtable() {
    bytes.putShort((short) VTABLE).putShort((short) TABLE);
    for (int field = 0; field < 4; field++) {
      bytes.putShort((short) (4 + 4 * field));
    }
  }

  private void putParameter(String name, Tensor tensor, int vtable) {
    int table = bytes.position();
    bytes.putInt(table, table - vtable);
    bytes.putInt(table + 12, TensorProto.DataType.FLOAT.getNumber());
    bytes.position(table + TABLE);
    byte[] text = name.getBytes(UTF_8);
    link(table + 4);
    bytes.putInt(text.length).put(text).put((byte) 0);
    long[] shape = tensor.shape();
    align(4, 8);
    link(table + 8);
    bytes.putInt(shape.length);
    for (long extent : shape) {
      bytes.putLong(extent);
    }
    ByteBuffer payload = tensor.bytes();
    align(4, 8);
    link(table + 16);
    bytes.putInt(payload.remaining()).put(payload);
  }

  /** Lets a field lead to what follows. */
  private void link(int field) {
    bytes.putInt(field, bytes.position() - field);
  }

  /** Goes to where what begins so many bytes later is aligned. */
  private void align(int later, int to) {
    bytes.position(bytes.position() + Math.floorMod(-(bytes.position() + later), to));
  }
}
