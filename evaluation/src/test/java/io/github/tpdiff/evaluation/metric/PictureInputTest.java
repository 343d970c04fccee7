package io.github.tpdiff.evaluation.metric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.tpdiff.evaluation.metric.PictureInput.Filter;
import io.github.tpdiff.evaluation.metric.PictureInput.Fit;
import io.github.tpdiff.evaluation.metric.PictureInput.Values;
import io.github.tpdiff.runtime.picture.PictureSize;
import io.github.tpdiff.runtime.picture.PictureValues;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * Against the functions of VBench ({@code dino_transform}, {@code clip_transform}, {@code
 * clip_transform_Image}, {@code transform} of {@code imaging_quality.py}) and of
 * common_metrics_on_video_quality ({@code preprocess_single}), run with torchvision 0.29 and torch
 * 2.15 on the same frames.
 */
final class PictureInputTest {
  private static final PictureInput VIDEOGPT =
      new PictureInput(Fit.CROP_CEIL, 224, Filter.BILINEAR, Values.SIGNED);
  private static final PictureInput ORIGINAL =
      new PictureInput(Fit.STRETCH, 224, Filter.BILINEAR, Values.SIGNED);

  /**
   * What upstream made.
   *
   * @param pixels red at the first pixel, green at row 100 and column 57, blue at 223, 223
   * @param mean of all numbers
   * @param square of all numbers, its mean
   */
  private record Upstream(
      String name,
      PictureInput input,
      PictureSize picture,
      int frame,
      PictureSize size,
      List<Double> pixels,
      double mean,
      double square) {}

  private static final PictureSize WIDE = new PictureSize(39, 30);
  private static final PictureSize TALL = new PictureSize(30, 39);
  private static final PictureSize LARGE = new PictureSize(700, 300);
  private static final PictureSize SQUARE = new PictureSize(224, 224);

  private static final List<Upstream> UPSTREAM =
      List.of(
          new Upstream(
              "dino",
              Metrics.DINO,
              WIDE,
              3,
              new PictureSize(291, 224),
              List.of(-0.2170563042163849, -0.4710202217102051, -1.5108429193496704),
              0.27847549080616824,
              1.1218143777103053),
          new Upstream(
              "clip_tensor",
              Metrics.CLIP_TENSOR,
              WIDE,
              3,
              SQUARE,
              List.of(0.1767946481704712, 0.4325721561908722, -1.1149027347564697),
              0.16218797275314212,
              0.9698412866566134),
          new Upstream(
              "clip_pillow",
              Metrics.CLIP_PILLOW,
              WIDE,
              3,
              SQUARE,
              List.of(0.16392669081687927, 0.46905264258384705, -1.110498070716858),
              0.16240097403401335,
              0.9024721035699311),
          new Upstream(
              "dino tall",
              Metrics.DINO,
              TALL,
              3,
              new PictureSize(224, 291),
              List.of(-0.2170563042163849, -0.4822952151298523, -1.4634069204330444),
              0.2396905791338428,
              1.081996692688657),
          new Upstream(
              "clip_tensor tall",
              Metrics.CLIP_TENSOR,
              TALL,
              3,
              SQUARE,
              List.of(0.5507107377052307, 1.461673378944397, -0.7246191501617432),
              0.1928851088602097,
              0.9917404699470007),
          new Upstream(
              "videogpt",
              VIDEOGPT,
              WIDE,
              3,
              SQUARE,
              List.of(0.09611880779266357, 0.17050385475158691, -0.6622360348701477),
              -0.013886786190726395,
              0.1973285722785089),
          new Upstream(
              "original",
              ORIGINAL,
              WIDE,
              3,
              SQUARE,
              List.of(-0.1294117569923401, 0.5199613571166992, -0.9529411792755127),
              0.023497728615061563,
              0.21123224168183805),
          new Upstream(
              "clip_tensor 700x300",
              Metrics.CLIP_TENSOR,
              LARGE,
              1,
              SQUARE,
              List.of(0.27629682421684265, 1.8599669933319092, -0.037300627678632736),
              0.18520434788016096,
              1.0221306117674287),
          new Upstream(
              "original 700x300",
              ORIGINAL,
              LARGE,
              1,
              SQUARE,
              List.of(-0.3077249526977539, -0.27875399589538574, -0.418642520904541),
              -0.0009232429608537936,
              0.20543949258058278));

  @TestFactory
  Stream<DynamicTest> preparedFrames_areUpstreams() {
    return UPSTREAM.stream()
        .map(upstream -> DynamicTest.dynamicTest(upstream.name(), () -> compare(upstream)));
  }

  private static void compare(Upstream upstream) {
    PictureValues found =
        upstream
            .input()
            .apply(
                MadeFrames.frame(
                    upstream.frame(), upstream.picture().width(), upstream.picture().height()));
    assertThat(found.size()).isEqualTo(upstream.size());
    int[][] places = {{0, 0, 0}, {1, 100, 57}, {2, 223, 223}};
    for (int i = 0; i < places.length; i++) {
      int at = (places[i][0] * found.height() + places[i][1]) * found.width() + places[i][2];
      // Single precision, over at most sixteen products.
      assertThat((double) found.data()[at]).isCloseTo(upstream.pixels().get(i), within(3e-6));
    }
    double sum = 0;
    double squares = 0;
    for (float value : found.data()) {
      sum += value;
      squares += (double) value * value;
    }
    assertThat(sum / found.data().length).isCloseTo(upstream.mean(), within(1e-6));
    assertThat(squares / found.data().length).isCloseTo(upstream.square(), within(2e-6));
  }

  @Test
  void musiq_shrinksTheLongerSideTo512() {
    PictureValues found = Metrics.MUSIQ.apply(MadeFrames.frame(1, 700, 300));
    assertThat(found.size()).isEqualTo(new PictureSize(512, 219));
    // The mean of frames 0 and 1.
    PictureValues first = Metrics.MUSIQ.apply(MadeFrames.frame(0, 700, 300));
    double sum = 0;
    for (int i = 0; i < found.data().length; i++) {
      sum += first.data()[i] + found.data()[i];
    }
    assertThat(sum / (2 * found.data().length)).isCloseTo(0.500028667542683, within(1e-6));
    int at = 100 * 512 + 200;
    double[] expected = {0.6777300834655762, 0.7341625094413757, 0.855731189250946};
    for (int c = 0; c < 3; c++) {
      assertThat((double) found.data()[c * 512 * 219 + at]).isCloseTo(expected[c], within(1e-6));
    }
    assertThat(Metrics.MUSIQ.apply(MadeFrames.frame(1, 39, 30)).size()).isEqualTo(WIDE);
  }

  @Test
  void framesAsTheyAre_areTheirBytes() {
    PictureValues found = PictureInput.asTheyAre(Values.BYTES).apply(MadeFrames.frame(0, 39, 30));
    assertThat(found.size()).isEqualTo(WIDE);
    assertThat(found.data()[5]).isEqualTo(35);
    assertThat(found.data()[39 * 30 + 39 + 1]).isEqualTo(7 + 13 + 31 + 9);
  }

  @Test
  void pillowsFilter_isForTheShorterSide() {
    assertThatThrownBy(() -> new PictureInput(Fit.STRETCH, 224, Filter.PILLOW_BICUBIC, Values.UNIT))
        .hasMessageContaining("shorter side alone, found STRETCH");
  }
}
