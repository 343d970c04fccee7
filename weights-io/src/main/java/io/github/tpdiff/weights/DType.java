package io.github.tpdiff.weights;

import java.util.Arrays;
import java.util.Optional;

/** Element types of tensors, under the names the safetensors format gives them. */
public enum DType {
  F64(64),
  F32(32),
  F16(16),
  BF16(16),
  I64(64),
  I32(32),
  I16(16),
  I8(8),
  U64(64),
  U32(32),
  U16(16),
  U8(8),
  BOOL(8),
  F8_E4M3(8),
  F8_E5M2(8),
  /** No negative zero, one NaN, no infinities; exponent bias one more than without FNUZ. */
  F8_E4M3FNUZ(8),
  F8_E5M2FNUZ(8),
  /** Powers of two: scales of blocks of smaller numbers. */
  F8_E8M0(8),
  /** Two 32-bit floats: real and imaginary part. */
  C64(64),
  /** Several elements share bytes; read and written as they are. */
  F6_E3M2(6),
  F6_E2M3(6),
  F4(4);

  private final int bits;

  DType(int bits) {
    this.bits = bits;
  }

  /** Size of one element in bits. */
  public int bits() {
    return bits;
  }

  /**
   * Size of one element in bytes.
   *
   * @throws CheckpointException when elements are smaller than that
   */
  public int bytes() {
    if (bits < Byte.SIZE) {
      throw new CheckpointException(
          "expected elements of whole bytes, found %s with %d bits".formatted(this, bits));
    }
    return bits / Byte.SIZE;
  }

  /** Whether elements are real floating-point numbers that {@link FloatCodec} converts. */
  public boolean isFloating() {
    return switch (this) {
      case F64, F32, F16, BF16, F8_E4M3, F8_E5M2, F8_E4M3FNUZ, F8_E5M2FNUZ, F8_E8M0 -> true;
      default -> false;
    };
  }

  /** Whether elements are eight-bit floats of a sign, an exponent and a mantissa. */
  public boolean isEightBitFloat() {
    return switch (this) {
      case F8_E4M3, F8_E5M2, F8_E4M3FNUZ, F8_E5M2FNUZ -> true;
      default -> false;
    };
  }

  /** The type of that safetensors name, if it is one this project reads. */
  public static Optional<DType> find(String name) {
    return Arrays.stream(values()).filter(type -> type.name().equals(name)).findFirst();
  }
}
