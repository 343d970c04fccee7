package io.github.tpdiff.runtime.picture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PictureSizeRuleTest {

  private static PictureSize square(int multiple) {
    return new PictureSize(multiple, multiple);
  }

  /** What diffusers' documented lines and Wan's code gave. */
  @ParameterizedTest
  @CsvSource({
    "1920, 1080, 399360, 832 x 464, 832 x 464, 832 x 480",
    "1080, 1920, 921600, 720 x 1280, 720 x 1280, 704 x 1280",
    "1920, 1080, 901120, 1264 x 704, 1264 x 704, 1248 x 704",
    "1024, 1024, 399360, 624 x 624, 624 x 624, 640 x 608",
    "1024, 1024, 901120, 944 x 944, 944 x 944, 960 x 928",
    "3000, 4000, 399360, 544 x 720, 544 x 720, 544 x 704",
    "3000, 4000, 901120, 816 x 1088, 816 x 1088, 800 x 1088",
    "91, 60, 921600, 1168 x 768, 1168 x 768, 1184 x 768",
    "5000, 400, 399360, 2224 x 176, 2224 x 176, 2208 x 160",
    "5000, 400, 921600, 3392 x 272, 3392 x 256, 3392 x 256"
  })
  void sizes_areUpstreams(
      int width, int height, long area, String rounded, String floored, String nearest) {
    var picture = new PictureSize(width, height);
    assertThat(PictureSizeRule.ROUNDED.propose(picture, area, square(16))).hasToString(rounded);
    assertThat(PictureSizeRule.FLOORED.propose(picture, area, square(16))).hasToString(floored);
    assertThat(PictureSizeRule.NEAREST_SHAPE.propose(picture, area, square(32)))
        .hasToString(nearest);
  }

  @Property(tries = 300)
  void sizes_areMultiplesWithinTheArea(
      @ForAll @IntRange(min = 100, max = 8000) int width,
      @ForAll @IntRange(min = 100, max = 8000) int height,
      @ForAll @IntRange(min = 300_000, max = 2_000_000) int area) {
    var picture = new PictureSize(width, height);
    for (PictureSizeRule rule :
        new PictureSizeRule[] {PictureSizeRule.FLOORED, PictureSizeRule.NEAREST_SHAPE}) {
      PictureSize size;
      try {
        size = rule.propose(picture, area, square(32));
      } catch (IllegalArgumentException tooThin) {
        assertThat(Math.max(width, height)).isGreaterThan(100 * 2);
        continue;
      }
      assertThat(size.width() % 32 + size.height() % 32).isZero();
      assertThat(size.pixels()).isLessThanOrEqualTo(area);
    }
  }

  /** A video that is halved twice in height and once in width has sides of those multiples. */
  @Property(tries = 300)
  void sides_areMultiplesEachOfItsOwn(
      @ForAll @IntRange(min = 400, max = 8000) int width,
      @ForAll @IntRange(min = 400, max = 8000) int height) {
    var picture = new PictureSize(width, height);
    for (PictureSizeRule rule : PictureSizeRule.values()) {
      PictureSize size;
      try {
        size = rule.propose(picture, 399_360, new PictureSize(32, 64));
      } catch (IllegalArgumentException tooThin) {
        assertThat((double) Math.max(width, height) / Math.min(width, height)).isGreaterThan(10);
        continue;
      }
      assertThat(size.width() % 32).isZero();
      assertThat(size.height() % 64).isZero();
    }
    assertThatThrownBy(
            () ->
                PictureSizeRule.FLOORED.propose(
                    new PictureSize(20_000, 1), 399_360, new PictureSize(32, 64)))
        .hasMessageContaining("with sides of multiples of 32 x 64 has its shape");
  }

  @Test
  void aShapeThatFitsNoSize_isRefusedInOneLine() {
    for (PictureSizeRule rule : PictureSizeRule.values()) {
      assertThatThrownBy(() -> rule.propose(new PictureSize(20_000, 1), 399_360, square(16)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(
              "picture of 20000 x 1: no video of 399360 pixels with sides of multiples of 16 has its shape; give the video's width and height");
    }
  }

  @Test
  void sizesBeyondTheLimits_areRefused() {
    assertThatThrownBy(() -> new PictureSize(20_000, 20_000))
        .hasMessage(
            "expected sides of 1 to 65535 pixels and at most 67108864 in all, found 20000 x 20000");
    assertThatThrownBy(() -> new PictureSize(0, 1)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(
            () -> PictureSizeRule.FLOORED.propose(new PictureSize(1, 1), 1L << 40, square(16)))
        .hasMessage("area: expected at least 1 and at most 67108864 pixels, found 1099511627776");
  }
}
