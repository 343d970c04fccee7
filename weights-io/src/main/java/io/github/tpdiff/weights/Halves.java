package io.github.tpdiff.weights;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.FloatBuffer;
import java.nio.ShortBuffer;

/**
 * Runs of 16-bit floats, moved in blocks between arrays: element access through buffers costs
 * several times as much as the conversion.
 */
final class Halves {

  /** Elements of a block: both arrays stay in the first cache, which matters by a quarter. */
  private static final int BLOCK = 1024;

  /** Converts the first elements of an array. */
  @FunctionalInterface
  private interface Decoding {
    void run(char[] halves, float[] floats, int start, int count);
  }

  @FunctionalInterface
  private interface Encoding {
    void run(float[] floats, short[] halves, int count);
  }

  private Halves() {}

  /** Fills {@code dst} from little-endian bytes. */
  static void decodeF16(ByteBuffer src, FloatBuffer dst) {
    decode(
        src,
        dst,
        (halves, floats, start, count) -> {
          for (int i = 0; i < count; i++) {
            floats[start + i] = FloatCodec.fromF16((short) halves[i]);
          }
        });
  }

  static void decodeBf16(ByteBuffer src, FloatBuffer dst) {
    decode(
        src,
        dst,
        (halves, floats, start, count) -> {
          for (int i = 0; i < count; i++) {
            // Without a sign to extend: a tenth faster than from shorts.
            floats[start + i] = Float.intBitsToFloat(halves[i] << 16);
          }
        });
  }

  /** Writes all of {@code src} as little-endian bytes. */
  static void encodeF16(FloatBuffer src, ByteBuffer dst) {
    encode(
        src,
        dst,
        (floats, halves, count) -> {
          for (int i = 0; i < count; i++) {
            halves[i] = FloatCodec.toF16(floats[i]);
          }
        });
  }

  static void encodeBf16(FloatBuffer src, ByteBuffer dst) {
    encode(
        src,
        dst,
        (floats, halves, count) -> {
          for (int i = 0; i < count; i++) {
            halves[i] = FloatCodec.toBf16(floats[i]);
          }
        });
  }

  private static void decode(ByteBuffer src, FloatBuffer dst, Decoding decoding) {
    CharBuffer from = src.asCharBuffer();
    char[] halves = new char[Math.min(BLOCK, dst.remaining())];
    float[] floats = dst.hasArray() ? dst.array() : new float[halves.length];
    while (dst.hasRemaining()) {
      int count = Math.min(BLOCK, dst.remaining());
      from.get(halves, 0, count);
      if (dst.hasArray()) {
        decoding.run(halves, floats, dst.arrayOffset() + dst.position(), count);
        dst.position(dst.position() + count);
      } else {
        decoding.run(halves, floats, 0, count);
        dst.put(floats, 0, count);
      }
    }
  }

  private static void encode(FloatBuffer src, ByteBuffer dst, Encoding encoding) {
    ShortBuffer to = dst.asShortBuffer();
    float[] floats = new float[Math.min(BLOCK, src.remaining())];
    short[] halves = new short[floats.length];
    while (src.hasRemaining()) {
      int count = Math.min(BLOCK, src.remaining());
      src.get(floats, 0, count);
      encoding.run(floats, halves, count);
      to.put(halves, 0, count);
    }
  }
}
