package io.github.tpdiff.weights;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class Float8Test {

  /** Largest value, smallest value and NaN of the published formats (OCP OFP8, ONNX FNUZ). */
  @ParameterizedTest
  @CsvSource({
    "F8_E4M3, 0x7e, 448, 0x1p-9, 0x7f",
    "F8_E5M2, 0x7b, 57344, 0x1p-16, 0x7e",
    "F8_E4M3FNUZ, 0x7f, 240, 0x1p-10, 0x80",
    "F8_E5M2FNUZ, 0x7f, 57344, 0x1p-17, 0x80"
  })
  void ends_areThoseOfTheFormat(
      DType dtype, String largest, float max, String smallest, String nan) {
    float[] values = Float8.values(dtype);
    assertThat(values[Integer.decode(largest)]).isEqualTo(max);
    assertThat(values[1]).isEqualTo(Float.parseFloat(smallest));
    assertThat(values[Integer.decode(nan)]).isNaN();
  }

  @ParameterizedTest
  @EnumSource(names = {"F8_E4M3", "F8_E5M2", "F8_E4M3FNUZ", "F8_E5M2FNUZ", "F8_E8M0"})
  void everyValue_encodesToItsCode(DType dtype) {
    float[] values = Float8.values(dtype);
    for (int code = 0; code < 256; code++) {
      if (!Float.isNaN(values[code])) {
        assertThat(Float8.encode(dtype, values[code]) & 0xff).as("%x", code).isEqualTo(code);
      }
    }
    float back = values[Float8.encode(dtype, Float.NaN) & 0xff];
    assertThat(back).isNaN();
  }

  @ParameterizedTest
  @EnumSource(names = {"F8_E4M3", "F8_E5M2", "F8_E4M3FNUZ", "F8_E5M2FNUZ"})
  void anyValue_encodesToTheNearestTiesToEven(DType dtype) {
    float[] values = Float8.values(dtype);
    Random random = new Random(1);
    for (int i = 0; i < 20_000; i++) {
      float value = (float) Math.scalb(random.nextGaussian(), random.nextInt(34) - 20);
      assertNearest(dtype, values, value);
    }
    for (int code = 0; code < 127; code++) {
      float middle = (values[code] + values[code + 1]) / 2;
      if (Float.isFinite(middle)) {
        assertNearest(dtype, values, middle);
        assertNearest(dtype, values, -middle);
      }
    }
  }

  /** Compares with every value of the format. */
  private static void assertNearest(DType dtype, float[] values, float value) {
    int code = Float8.encode(dtype, value) & 0xff;
    if (!Float.isFinite(values[code])) {
      assertThat(Math.abs(value)).isGreaterThan(dtype == DType.F8_E4M3 ? 464 : 240);
      return;
    }
    double error = Math.abs((double) values[code] - value);
    for (int other = 0; other < 256; other++) {
      double errorOfOther = Math.abs((double) values[other] - value);
      if (Float.isFinite(values[other]) && values[other] != values[code]) {
        assertThat(error).as("%s as %s", value, dtype).isLessThanOrEqualTo(errorOfOther);
        assertThat(error == errorOfOther && (code & 1) == 1).as("odd code at a tie").isFalse();
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "F8_E4M3, 464, 448",
    "F8_E4M3, 464.1, NaN",
    "F8_E4M3, Infinity, NaN",
    "F8_E5M2, 61439, 57344",
    "F8_E5M2, 61440, Infinity",
    "F8_E5M2, -1e30, -Infinity",
    "F8_E4M3FNUZ, 248, NaN",
    "F8_E4M3FNUZ, 247, 240",
    "F8_E5M2FNUZ, 61440, NaN",
    "F8_E4M3FNUZ, -0.0, 0",
    "F8_E8M0, 3, 4",
    "F8_E8M0, 2.9, 2",
    "F8_E8M0, 6, 8",
    "F8_E8M0, 0, 0x1p-127",
    "F8_E8M0, Infinity, NaN"
  })
  void tooLarge_becomesWhatTheFormatHas(DType dtype, String value, String expected) {
    float decoded = Float8.values(dtype)[Float8.encode(dtype, Float.parseFloat(value)) & 0xff];
    assertThat(decoded).isEqualTo(Float.valueOf(Float.parseFloat(expected)));
  }

  @Test
  void negativeZero_keepsItsSignWhereItHasOne() {
    assertThat(Float8.encode(DType.F8_E4M3, -0f)).isEqualTo((byte) 0x80);
    assertThat(Float8.encode(DType.F8_E5M2, -0f)).isEqualTo((byte) 0x80);
  }
}
