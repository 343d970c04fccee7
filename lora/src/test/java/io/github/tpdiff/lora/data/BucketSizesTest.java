package io.github.tpdiff.lora.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tpdiff.lora.data.BucketSizes.Budget;
import io.github.tpdiff.lora.data.BucketSizes.Candidate;
import io.github.tpdiff.runtime.picture.PictureSize;
import io.github.tpdiff.runtime.pipeline.VideoSize;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.OptionalDouble;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class BucketSizesTest {
  private static Budget budget(int shapes) {
    return new Budget(832 * 480, 16, 32, List.of(17, 81, 33), 16, shapes);
  }

  private static Candidate video(int width, int height, double seconds) {
    return new Candidate(new PictureSize(width, height), OptionalDouble.of(seconds), false);
  }

  private static Candidate picture(int width, int height) {
    return new Candidate(new PictureSize(width, height), OptionalDouble.empty(), true);
  }

  @Test
  void sizes_followShapesLengthsAndPixels() {
    var files = new ArrayList<Candidate>();
    files.addAll(Collections.nCopies(5, video(1920, 1080, 10)));
    files.addAll(Collections.nCopies(3, video(1080, 1920, 3)));
    files.addAll(Collections.nCopies(2, video(640, 360, 1.2)));
    files.add(picture(2000, 2000));
    BucketSizes sizes = BucketSizes.choose(budget(8), files);
    assertThat(sizes.all())
        .containsExactly(
            new VideoSize(480, 832, 81, 16),
            new VideoSize(832, 480, 33, 16),
            // Of half the pixels: 9 % cut off where 576 x 320 would leave 8 % of them unused.
            new VideoSize(352, 560, 17, 16),
            new VideoSize(640, 624, 1, 16));
    assertThat(sizes.of(new PictureSize(1920, 1080)))
        .extracting(VideoSize::frames)
        .containsExactly(81, 33, 17);
  }

  /** Whatever the files: within the budget, multiples that fit, hardly enlarged, few shapes. */
  @Test
  void sizesOfAnyFiles_keepTheBudget() {
    var random = new Random(3);
    for (int shapes = 1; shapes <= 9; shapes += 2) {
      var files = new ArrayList<Candidate>();
      for (int i = 0; i < 200; i++) {
        files.add(
            picture(
                (int) Math.exp(4 + 4 * random.nextDouble()),
                (int) Math.exp(4 + 4 * random.nextDouble())));
      }
      BucketSizes sizes = BucketSizes.choose(budget(shapes), files);
      assertThat(sizes.shapes()).hasSizeLessThanOrEqualTo(shapes);
      for (Candidate file : files) {
        VideoSize size = sizes.of(file.shown()).get(0);
        assertThat(size.width() % 16).isZero();
        assertThat(size.height() % 32).isZero();
        assertThat(size.width() * size.height()).isLessThanOrEqualTo(832 * 480);
        long own = (long) file.shown().width() * file.shown().height();
        assertThat((long) size.width() * size.height())
            .isLessThanOrEqualTo(Math.max(16 * 32 * 2, (long) (1.21 * own)));
        assertThat(sizes.all()).contains(ClipCutter.still(size));
      }
    }
  }

  @Test
  void shapesThatHardlyDiffer_areOne_andRareOnesGoFirst() {
    var files = new ArrayList<Candidate>();
    files.addAll(Collections.nCopies(50, picture(1600, 900)));
    files.addAll(Collections.nCopies(2, picture(1600, 910)));
    files.addAll(Collections.nCopies(40, picture(900, 1600)));
    files.addAll(Collections.nCopies(1, picture(1600, 1200)));
    assertThat(BucketSizes.choose(budget(8), files).shapes()).hasSize(3);
    BucketSizes two = BucketSizes.choose(budget(2), files);
    assertThat(two.shapes()).hasSize(2);
    assertThat(two.of(new PictureSize(1600, 1200)).get(0))
        .isEqualTo(two.of(new PictureSize(1600, 900)).get(0));
  }

  @Test
  void videosOfWhichNoneFillsTheFewestFrames_areRefused() {
    assertThatThrownBy(
            () ->
                BucketSizes.choose(budget(8), List.of(video(640, 360, 0.5), video(640, 360, 0.9))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "data.frames: expected a video of 17 frames at 16.0 fps (1.06 s), the longest has 0.90"
                + " s; say fewer");
  }

  @Test
  void budgetBelowTheSmallestSize_isRefused() {
    assertThatThrownBy(() -> new Budget(500, 16, 32, List.of(17), 16, 8))
        .hasMessageContaining("data.pixels: expected at least 16x32");
  }
}
