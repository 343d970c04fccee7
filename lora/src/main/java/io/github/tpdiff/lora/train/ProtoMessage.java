package io.github.tpdiff.lora.train;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/**
 * A message in protocol buffers' wire format, field by field: as little of it as TensorBoard's
 * events need (<a href="https://protobuf.dev/programming-guides/encoding/">encoding</a>).
 */
final class ProtoMessage {
  private static final int VARINT = 0;
  private static final int FIXED64 = 1;
  private static final int LENGTH = 2;
  private static final int FIXED32 = 5;

  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

  /** A whole number; 0, the default, is left out. */
  ProtoMessage number(int field, long value) {
    if (value == 0) {
      return this;
    }
    varint(((long) field << 3) | VARINT);
    varint(value);
    return this;
  }

  ProtoMessage float64(int field, double value) {
    varint(((long) field << 3) | FIXED64);
    littleEndian(Double.doubleToLongBits(value), Long.BYTES);
    return this;
  }

  ProtoMessage float32(int field, float value) {
    varint(((long) field << 3) | FIXED32);
    littleEndian(Float.floatToIntBits(value), Float.BYTES);
    return this;
  }

  ProtoMessage text(int field, String value) {
    return data(field, value.getBytes(StandardCharsets.UTF_8));
  }

  ProtoMessage message(int field, ProtoMessage value) {
    return data(field, value.bytes.toByteArray());
  }

  ProtoMessage data(int field, byte[] value) {
    varint(((long) field << 3) | LENGTH);
    varint(value.length);
    bytes.writeBytes(value);
    return this;
  }

  byte[] toBytes() {
    return bytes.toByteArray();
  }

  private void varint(long value) {
    long rest = value;
    while ((rest & ~0x7fL) != 0) {
      bytes.write((int) ((rest & 0x7f) | 0x80));
      rest >>>= 7;
    }
    bytes.write((int) rest);
  }

  private void littleEndian(long value, int size) {
    for (int i = 0; i < size; i++) {
      bytes.write((int) (value >>> (8 * i)));
    }
  }
}
