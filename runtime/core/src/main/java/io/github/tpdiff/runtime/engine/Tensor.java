package io.github.tpdiff.runtime.engine;

import io.github.tpdiff.runtime.graph.ElementType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.util.Arrays;

/**
 * A host tensor, row-major, in a direct little-endian buffer that engines read without copying.
 * Whoever receives one treats it as immutable.
 */
public final class Tensor {
  private final ElementType type;
  private final long[] shape;
  private final ByteBuffer bytes;

  private Tensor(ElementType type, long[] shape, ByteBuffer bytes) {
    this.type = type;
    this.shape = shape.clone();
    this.bytes = bytes;
  }

  /**
   * Wraps {@code bytes}.
   *
   * @throws IllegalArgumentException if the buffer is not direct or its size does not fit the shape
   */
  public static Tensor of(ElementType type, long[] shape, ByteBuffer bytes) {
    long expected = Math.multiplyExact(count(shape), size(type));
    if (!bytes.isDirect() || bytes.remaining() != expected) {
      throw new IllegalArgumentException(
          "tensor "
              + Arrays.toString(shape)
              + ": expected a direct buffer of "
              + expected
              + " bytes, found "
              + bytes.remaining());
    }
    return new Tensor(type, shape, bytes.slice().order(ByteOrder.LITTLE_ENDIAN));
  }

  public static Tensor zeros(long... shape) {
    return new Tensor(ElementType.F32, shape, allocate(count(shape), ElementType.F32));
  }

  public static Tensor ofFloats(float[] values, long... shape) {
    var bytes = allocate(requireCount(shape, values.length), ElementType.F32);
    bytes.asFloatBuffer().put(values);
    return new Tensor(ElementType.F32, shape, bytes);
  }

  public static Tensor ofLongs(long[] values, long... shape) {
    var bytes = allocate(requireCount(shape, values.length), ElementType.I64);
    bytes.asLongBuffer().put(values);
    return new Tensor(ElementType.I64, shape, bytes);
  }

  private static long requireCount(long[] shape, int found) {
    if (count(shape) != found) {
      throw new IllegalArgumentException(
          "tensor " + Arrays.toString(shape) + ": found " + found + " values");
    }
    return found;
  }

  private static long count(long[] shape) {
    long product = 1;
    for (long extent : shape) {
      product = Math.multiplyExact(product, extent);
    }
    return product;
  }

  private static long size(ElementType type) {
    return type == ElementType.F32 ? Float.BYTES : Long.BYTES;
  }

  private static ByteBuffer allocate(long count, ElementType type) {
    int bytes = Math.toIntExact(Math.multiplyExact(count, size(type)));
    return ByteBuffer.allocateDirect(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  public ElementType type() {
    return type;
  }

  public long[] shape() {
    return shape.clone();
  }

  public long elementCount() {
    return count(shape);
  }

  /** A view of the whole payload, little-endian. */
  public ByteBuffer bytes() {
    return bytes.duplicate().order(ByteOrder.LITTLE_ENDIAN);
  }

  public FloatBuffer floats() {
    return bytes().asFloatBuffer();
  }

  public LongBuffer longs() {
    return bytes().asLongBuffer();
  }

  public float[] toFloatArray() {
    var values = new float[Math.toIntExact(elementCount())];
    floats().get(values);
    return values;
  }

  /** The same elements in another shape. */
  public Tensor reshape(long... target) {
    return of(type, target, bytes());
  }

  @Override
  public String toString() {
    return type + Arrays.toString(shape);
  }
}
