package io.github.tpdiff.runtime.picture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.tpdiff.runtime.picture.ClipImageProcessor.Normalisation;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ClipImageProcessorTest {

  /** What transformers gave: shortest edge 2, crop 2 wide and 5 high, so padded above and below. */
  @Test
  void values_areTransformers_alsoWhereTheCropIsLarger() {
    var processor =
        new ClipImageProcessor(
            Optional.of(ClipImageProcessor.Resize.shortestEdge(2, ResampleFilter.BICUBIC)),
            Optional.of(new PictureSize(2, 5)),
            ClipImageProcessor.FULL_SCALE,
            Optional.of(Normalisation.OPENAI));
    float[] expected = {
      -1.7922626f, -1.7922626f, -1.7922626f, -1.7922626f,
      -0.8141679f, 0.26611567f, 0.09093457f, -0.025852945f,
      -1.7922626f, -1.7922626f, -1.7520971f, -1.7520971f,
      -1.7520971f, -1.7520971f, 0.06384283f, 0.18390508f,
      0.3639983f, -0.7465766f, -1.7520971f, -1.7520971f,
      -1.4802198f, -1.4802198f, -1.4802198f, -1.4802198f,
      0.36838892f, 0.75233066f, 0.35416883f, 0.823431f,
      -1.4802198f, -1.4802198f
    };
    assertThat(processor.values(Pictures.squares(4, 3)).data())
        .usingComparatorWithPrecision(1e-6f)
        .containsExactly(expected);
  }

  @Test
  void whatIsNotAsked_isNotDone() {
    var processor = new ClipImageProcessor(Optional.empty(), Optional.empty(), 1, Optional.empty());
    RgbPicture picture = Pictures.squares(3, 2);
    PictureValues values = processor.values(picture);
    assertThat(values.size()).isEqualTo(picture.size());
    for (int i = 0; i < 6; i++) {
      assertThat(values.data()[i]).isEqualTo(picture.rgb()[3 * i] & 0xff);
    }
  }

  /** The longest picture there is: 224 rows would have 14 million columns. */
  @Test
  void onlyWhatIsLeftOfALongPicture_isComputed() {
    RgbPicture picture = Pictures.squares(PictureSize.LONGEST_SIDE, 1);
    PictureValues values = ClipImageProcessor.ofSize(224).values(picture);
    assertThat(values.size()).isEqualTo(new PictureSize(224, 224));
    var uncut =
        new ClipImageProcessor(
            Optional.of(ClipImageProcessor.Resize.shortestEdge(224, ResampleFilter.BICUBIC)),
            Optional.empty(),
            1,
            Optional.empty());
    assertThatThrownBy(() -> uncut.values(picture))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("found 14679840 x ");
  }

  /** A plain picture stays plain, whatever becomes of its shape. */
  @Test
  void squashed_normalisesTheWholePicture() {
    var rgb = new byte[3 * 30 * 7];
    java.util.Arrays.fill(rgb, (byte) 100);
    PictureValues values =
        ClipImageProcessor.ofSize(8).squashed(new RgbPicture(rgb, new PictureSize(30, 7)));
    assertThat(values.size()).isEqualTo(new PictureSize(8, 8));
    assertThat((double) values.data()[0])
        .isCloseTo((100 / 255.0 - 0.48145466) / 0.26862954, within(1e-5));
    assertThat((double) values.data()[191])
        .isCloseTo((100 / 255.0 - 0.40821073) / 0.27577711, within(1e-5));
  }

  @Test
  void statisticsOfOtherThanThreeChannels_areRefused() {
    assertThatThrownBy(() -> new Normalisation(List.of(0.5), List.of(1.0, 1.0, 1.0)))
        .hasMessage("image_mean: expected 3 finite numbers, found [0.5]");
    assertThatThrownBy(() -> new Normalisation(List.of(0.0, 0.0, 0.0), List.of(1.0, 0.0, 1.0)))
        .hasMessage("image_std: expected positive numbers, found [1.0, 0.0, 1.0]");
  }
}
