package io.github.tpdiff.spark.ring;

import java.nio.ByteBuffer;

/** In which numbers values travel; they are added in fp32 either way. */
public enum Wire {
  /** As they are. */
  FP32(Float.BYTES) {
    @Override
    void put(float value, ByteBuffer to) {
      to.putFloat(value);
    }

    @Override
    float get(ByteBuffer from) {
      return from.getFloat();
    }

    @Override
    float rounded(float value) {
      return value;
    }
  },
  /** Rounded to the nearest, ties to even, before every hop: half the bytes. */
  BF16(Short.BYTES) {
    @Override
    void put(float value, ByteBuffer to) {
      to.putShort((short) (Float.floatToRawIntBits(rounded(value)) >>> 16));
    }

    @Override
    float get(ByteBuffer from) {
      return Float.intBitsToFloat(from.getShort() << 16);
    }

    @Override
    float rounded(float value) {
      if (Float.isNaN(value)) {
        return Float.NaN;
      }
      int bits = Float.floatToRawIntBits(value);
      return Float.intBitsToFloat((bits + 0x7FFF + ((bits >>> 16) & 1)) & 0xFFFF0000);
    }
  };

  private final int bytes;

  Wire(int bytes) {
    this.bytes = bytes;
  }

  /** Of a value. */
  int bytes() {
    return bytes;
  }

  abstract void put(float value, ByteBuffer to);

  abstract float get(ByteBuffer from);

  /** What arrives of a value. */
  abstract float rounded(float value);
}
