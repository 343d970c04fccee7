package io.github.tpdiff.runtime.picture;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.io.BaseEncoding;
import io.github.tpdiff.runtime.picture.ResampleTaps.Span;
import java.util.function.DoubleUnaryOperator;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PillowResizeTest {

  /** What Pillow 13.0 gave; the second and the third begin with the height. */
  @ParameterizedTest
  @CsvSource({
    "5, 4, 3, 6, LANCZOS, 1d4d7b6da79bb04f724e768e869c9499619c7881a9756e807797965e39a21e32676ec8299b4d541f23465fac1bd87c1a452e35568440",
    "5, 4, 8, 2, LANCZOS, 008a8b4a6498994ba36985964fab8481917f9e6d87a45b8fae8630a36360742a8d31166418352c39771f69b03b80c454",
    "3, 9, 2, 4, BICUBIC, 8148904cbc8f9f4e7c4d777e7d6a2d6d9334a46f5c9e5e69",
    "4, 3, 9, 7, BICUBIC, 000025001c4e4161b570a1ee56c3913dc9346e986eaf54d6ca39ff110c23192b4c3e74b55eb0ee5db8915da8347f876ea65fd6b64fff682a21584d4934a5b22cdaeb6b9d8fac5532ab5d6d917fd5888affae531e8d744736cab011efea80808eef1132ca366d748dd553aeff8a881e7f91485dabb155aceb9d6b90da2c35a534704d58d82a68ff4fb6205fa64a877fb3a85deeb85d93b05e37743e732b19dc0c11ff39ca2054af4a986eb3c93deec35693a170396141751c00de0000ff",
    "1, 1, 2, 2, LANCZOS, 001436001436001436001436",
    "6, 2, 2, 2, BILINEAR, 517a92778b8f8b778f7a5194"
  })
  void bytes_arePillows(
      int width, int height, int newWidth, int newHeight, ResampleFilter filter, String expected) {
    RgbPicture resized =
        new PillowResize(newWidth, newHeight, filter).apply(Pictures.squares(width, height));
    assertThat(resized.size()).isEqualTo(new PictureSize(newWidth, newHeight));
    assertThat(BaseEncoding.base16().lowerCase().encode(resized.rgb())).isEqualTo(expected);
  }

  /**
   * The definition in doubles, over all pixels of an axis. Integers round each of the two passes by
   * a level at most, and the second weighs what the first left with weights whose absolute values
   * sum to less than 2: so it is one level nearly everywhere, and nowhere more than two.
   */
  @Property(tries = 60)
  void bytes_areTheDefinitionsInDoubles(
      @ForAll @IntRange(min = 1, max = 40) int width,
      @ForAll @IntRange(min = 1, max = 40) int height,
      @ForAll @IntRange(min = 1, max = 40) int newWidth,
      @ForAll @IntRange(min = 1, max = 40) int newHeight,
      @ForAll ResampleFilter filter,
      @ForAll long seed) {
    RgbPicture picture = Pictures.noise(width, height, seed);
    RgbPicture resized = new PillowResize(newWidth, newHeight, filter).apply(picture);
    boolean heightFirst = height - newHeight > 2 * Math.max(0, width - newWidth);
    int further = 0;
    for (int c = 0; c < 3; c++) {
      double[][] samples = Pictures.channel(picture, c);
      double[][] expected =
          heightFirst
              ? transposed(rows(transposed(samples), newHeight, filter))
              : rows(samples, newWidth, filter);
      expected =
          heightFirst
              ? rows(expected, newWidth, filter)
              : transposed(rows(transposed(expected), newHeight, filter));
      double[][] found = Pictures.channel(resized, c);
      for (int y = 0; y < newHeight; y++) {
        for (int x = 0; x < newWidth; x++) {
          double apart = Math.abs(found[y][x] - expected[y][x]);
          assertThat(apart).isLessThanOrEqualTo(2);
          further += apart > 1 ? 1 : 0;
        }
      }
    }
    assertThat(further).isLessThanOrEqualTo(1 + 3 * newWidth * newHeight / 100);
  }

  @Property(tries = 40)
  void part_isCutFromTheWhole(
      @ForAll @IntRange(min = 1, max = 30) int width,
      @ForAll @IntRange(min = 1, max = 30) int height,
      @ForAll @IntRange(min = 3, max = 30) int newWidth,
      @ForAll @IntRange(min = 3, max = 30) int newHeight,
      @ForAll long seed) {
    RgbPicture picture = Pictures.noise(width, height, seed);
    var resize = new PillowResize(newWidth, newHeight, ResampleFilter.LANCZOS);
    RgbPicture whole = resize.apply(picture);
    RgbPicture part = resize.apply(picture, new Span(1, newWidth - 2), new Span(2, newHeight - 2));
    for (int c = 0; c < 3; c++) {
      double[][] all = Pictures.channel(whole, c);
      double[][] cut = Pictures.channel(part, c);
      for (int y = 0; y < cut.length; y++) {
        for (int x = 0; x < cut[y].length; x++) {
          assertThat(cut[y][x]).isEqualTo(all[y + 2][x + 1]);
        }
      }
    }
  }

  /** Each row resized, rounded and clipped. */
  private static double[][] rows(double[][] samples, int length, ResampleFilter filter) {
    int in = samples[0].length;
    if (in == length) {
      return samples;
    }
    double scale = (double) in / length;
    double wide = Math.max(1, scale);
    var resized = new double[samples.length][length];
    for (int y = 0; y < samples.length; y++) {
      for (int o = 0; o < length; o++) {
        double sum = 0;
        double weights = 0;
        for (int i = 0; i < in; i++) {
          double weight = kernel(filter).applyAsDouble((i + 0.5 - (o + 0.5) * scale) / wide);
          sum += weight * samples[y][i];
          weights += weight;
        }
        resized[y][o] = Math.max(0, Math.min(255, Math.floor(sum / weights + 0.5)));
      }
    }
    return resized;
  }

  /** As text books have them. */
  private static DoubleUnaryOperator kernel(ResampleFilter filter) {
    return switch (filter) {
      case BILINEAR -> x -> Math.abs(x) >= 1 ? 0 : 1 - Math.abs(x);
      case BICUBIC ->
          x -> {
            double d = Math.abs(x);
            if (d >= 2) {
              return 0;
            }
            return d < 1
                ? 1.5 * d * d * d - 2.5 * d * d + 1
                : -0.5 * d * d * d + 2.5 * d * d - 4 * d + 2;
          };
      case LANCZOS ->
          x ->
              x == 0
                  ? 1
                  : Math.abs(x) >= 3
                      ? 0
                      : 3
                          * Math.sin(Math.PI * x)
                          * Math.sin(Math.PI * x / 3)
                          / (Math.PI * Math.PI * x * x);
    };
  }

  private static double[][] transposed(double[][] samples) {
    var turned = new double[samples[0].length][samples.length];
    for (int y = 0; y < samples.length; y++) {
      for (int x = 0; x < samples[y].length; x++) {
        turned[x][y] = samples[y][x];
      }
    }
    return turned;
  }
}
