package io.github.tpdiff.weights;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.tpdiff.weights.safetensors.SafetensorsFile;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

class FloatCodecTest {

  private static final SafetensorsFile TORCH =
      SafetensorsFile.open(FileGoldens.resource("numerics/half-precision.safetensors"));

  @AfterAll
  static void close() {
    TORCH.close();
  }

  @Test
  void everyF16Code_decodesAsTorchDoes() {
    float[] expected = TORCH.floats("out.all_fp16_as_fp32");
    for (int code = 0; code < 65536; code++) {
      assertThat(FloatCodec.fromF16((short) code)).isEqualTo(Float.valueOf(expected[code]));
    }
  }

  @Test
  void everyF8Code_decodesAsTorchDoes() {
    float[] e4m3 = TORCH.floats("out.all_f8_e4m3_as_fp32");
    float[] e5m2 = TORCH.floats("out.all_f8_e5m2_as_fp32");
    for (int code = 0; code < 256; code++) {
      assertThat(Float8.values(DType.F8_E4M3)[code]).isEqualTo(Float.valueOf(e4m3[code]));
      assertThat(Float8.values(DType.F8_E5M2)[code]).isEqualTo(Float.valueOf(e5m2[code]));
    }
  }

  @Test
  void edges_roundAsTorchDoes() {
    float[] values = TORCH.floats("in.values");
    float[] bf16 = TORCH.floats("out.bf16_as_fp32");
    float[] fp16 = TORCH.floats("out.fp16_as_fp32");
    for (int i = 0; i < values.length; i++) {
      assertThat(FloatCodec.fromBf16(FloatCodec.toBf16(values[i])))
          .as("%s", values[i])
          .isEqualTo(Float.valueOf(bf16[i]));
      assertThat(FloatCodec.fromF16(FloatCodec.toF16(values[i])))
          .as("%s", values[i])
          .isEqualTo(Float.valueOf(fp16[i]));
    }
  }

  @Test
  void bulkEncoding_makesTorchsBytes() {
    float[] values = TORCH.floats("in.values");
    for (DType dtype : new DType[] {DType.BF16, DType.F16}) {
      ByteBuffer bytes = ByteBuffer.allocate(values.length * 2);
      FloatCodec.encode(FloatBuffer.wrap(values), dtype, bytes);
      ByteBuffer torch = TORCH.bytes(dtype == DType.BF16 ? "out.bf16" : "out.fp16");
      for (int i = 0; i < values.length; i++) {
        if (!Float.isNaN(values[i])) {
          assertThat(bytes.get(2 * i)).as("%s", values[i]).isEqualTo(torch.get(2 * i));
          assertThat(bytes.get(2 * i + 1)).as("%s", values[i]).isEqualTo(torch.get(2 * i + 1));
        }
      }
    }
  }

  @Property
  void toF16_isNoFartherThanItsNeighbours(@ForAll short significand, @ForAll int exponent) {
    float value = Math.scalb((float) significand, Math.floorMod(exponent, 24) - 30);
    short code = FloatCodec.toF16(value);
    double error = error(value, code);
    int magnitude = code & 0x7fff;
    if (magnitude < 0x7bff) {
      assertNearest(error, error(value, (short) (code + 1)), code);
    }
    if (magnitude > 0) {
      assertNearest(error, error(value, (short) (code - 1)), code);
    }
  }

  private static void assertNearest(double error, double errorOfNeighbour, short code) {
    assertThat(error).isLessThanOrEqualTo(errorOfNeighbour);
    assertThat(error == errorOfNeighbour && (code & 1) == 1).as("odd code at a tie").isFalse();
  }

  /** Exact: both operands are multiples of 2^-30 below 2^17. */
  private static double error(float value, short code) {
    return Math.abs((double) value - FloatCodec.fromF16(code));
  }

  @Property
  void bf16Codes_surviveTheRoundTrip(@ForAll short code) {
    float value = FloatCodec.fromBf16(code);
    assertThat(FloatCodec.fromBf16(FloatCodec.toBf16(value))).isEqualTo(Float.valueOf(value));
  }

  @Test
  void doubles_areRoundedToFloats() {
    ByteBuffer bytes = ByteBuffer.allocate(16).order(java.nio.ByteOrder.LITTLE_ENDIAN);
    bytes.putDouble(0.1).putDouble(1e300).flip();
    assertThat(FloatCodec.decode(DType.F64, bytes)).containsExactly(0.1f, Float.POSITIVE_INFINITY);
  }
}
