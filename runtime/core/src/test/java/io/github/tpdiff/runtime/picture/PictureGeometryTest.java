package io.github.tpdiff.runtime.picture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class PictureGeometryTest {

  @ParameterizedTest
  @EnumSource
  void aPictureOfTheSize_isItsBytesOnAScaleFromMinusOneToOne(PictureGeometry geometry) {
    RgbPicture picture = Pictures.squares(7, 5);
    PictureValues frame = geometry.frame(picture, picture.size());
    for (int c = 0; c < 3; c++) {
      double[][] samples = Pictures.channel(picture, c);
      for (int i = 0; i < 35; i++) {
        assertThat(frame.data()[35 * c + i])
            .isCloseTo((float) (samples[i / 7][i % 7] / 127.5 - 1), within(1e-6f));
      }
    }
  }

  /** torch.nn.functional.interpolate of the same picture. */
  @Test
  void squash_isTorchsBicubic() {
    float[] expected = {
      -0.71028274f, -0.5225604f, -0.24332969f, 0.07184605f,
      0.31980425f, -0.22349653f, -0.018739805f, 0.43228212f,
      0.17666547f, -0.8027474f, -0.80274755f, 0.17666548f,
      0.43228215f, -0.018739823f, -0.22349647f, 0.31980434f,
      0.071846046f, -0.24332967f, -0.5225604f, -0.7102826f,
      -0.6764899f, 0.6302559f, 0.12981004f, -0.36697683f,
      0.94589996f, -0.7033986f, 0.6203815f, 0.14249387f,
      -0.33173484f, 0.99817634f
    };
    PictureValues frame =
        PictureGeometry.SQUASH.frame(Pictures.squares(4, 3), new PictureSize(5, 2));
    assertThat(frame.data()).usingComparatorWithPrecision(1e-6f).containsExactly(expected);
  }

  /** Single precision in the place of a pixel: 2⁻²⁴ of the width, times the steepest slope. */
  @Property(tries = 60)
  void squash_isTheCubicInDoubles(
      @ForAll @IntRange(min = 1, max = 50) int width,
      @ForAll @IntRange(min = 1, max = 50) int height,
      @ForAll @IntRange(min = 1, max = 50) int newWidth,
      @ForAll @IntRange(min = 1, max = 50) int newHeight,
      @ForAll long seed) {
    RgbPicture picture = Pictures.noise(width, height, seed);
    float[] found =
        PictureGeometry.SQUASH.frame(picture, new PictureSize(newWidth, newHeight)).data();
    for (int c = 0; c < 3; c++) {
      double[][] samples = Pictures.channel(picture, c);
      for (int y = 0; y < newHeight; y++) {
        for (int x = 0; x < newWidth; x++) {
          double expected =
              at(samples, (x + 0.5) * width / newWidth - 0.5, (y + 0.5) * height / newHeight - 0.5);
          assertThat((double) found[(c * newHeight + y) * newWidth + x])
              .isCloseTo(expected / 127.5 - 1, within(5e-5));
        }
      }
    }
  }

  private static double at(double[][] samples, double centreX, double centreY) {
    double sum = 0;
    for (int i = (int) Math.floor(centreY) - 1; i <= Math.floor(centreY) + 2; i++) {
      for (int j = (int) Math.floor(centreX) - 1; j <= Math.floor(centreX) + 2; j++) {
        int row = Math.max(0, Math.min(samples.length - 1, i));
        int column = Math.max(0, Math.min(samples[0].length - 1, j));
        sum += keys(i - centreY) * keys(j - centreX) * samples[row][column];
      }
    }
    return sum;
  }

  /** Keys' cubic with a = -0.75, in powers of the distance. */
  private static double keys(double x) {
    double d = Math.abs(x);
    if (d >= 2) {
      return 0;
    }
    return d < 1
        ? 1.25 * d * d * d - 2.25 * d * d + 1
        : -0.75 * d * d * d + 3.75 * d * d - 6 * d + 3;
  }

  /** A picture of vertical stripes, twice too wide: a quarter goes on each side. */
  @Test
  void crop_keepsTheMiddleAndTheShape() {
    var rgb = new byte[3 * 16 * 4];
    for (int i = 0; i < rgb.length; i++) {
      rgb[i] = (byte) (16 * (i / 3 % 16));
    }
    var stripes = new RgbPicture(rgb, new PictureSize(16, 4));
    float[] frame = PictureGeometry.CROP.frame(stripes, new PictureSize(8, 4)).data();
    for (int x = 0; x < 8; x++) {
      assertThat(frame[x]).isCloseTo(16 * (x + 4) / 127.5f - 1, within(1e-6f));
    }
  }

  @ParameterizedTest
  @CsvSource({"1, 1", "65535, 1", "1, 65535", "20000, 30"})
  void shapesOfEveryKind_giveFrames(int width, int height) {
    RgbPicture picture = Pictures.squares(width, height);
    for (PictureGeometry geometry : PictureGeometry.values()) {
      assertThat(geometry.frame(picture, new PictureSize(1280, 720)).data())
          .hasSize(3 * 1280 * 720)
          .doesNotContain(Float.NaN);
    }
  }
}
