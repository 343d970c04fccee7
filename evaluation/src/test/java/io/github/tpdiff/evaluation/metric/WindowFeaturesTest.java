package io.github.tpdiff.evaluation.metric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tpdiff.evaluation.metric.PictureInput.Values;
import io.github.tpdiff.evaluation.metric.WindowFeatures.Layout;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.picture.PictureSize;
import io.github.tpdiff.runtime.picture.RgbPicture;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** With frames of one pixel that say their numbers, and a network that repeats what it is given. */
final class WindowFeaturesTest {
  @TempDir Path folder;

  private WindowFeatures windows(Layout layout, WindowPlan plan) {
    var echo = MadeNetwork.of(clip -> clip.reshape(1, clip.elementCount()));
    return new WindowFeatures(
        MadeNetwork.file(folder, "echo.pt", echo),
        PictureInput.asTheyAre(Values.BYTES),
        layout,
        plan,
        Map.of());
  }

  private static WindowPlan plan(int frames, int step) {
    return new WindowPlan(frames, step, OptionalInt.empty(), OptionalDouble.empty());
  }

  private static FeatureRows rows(FeatureExtractor extractor, int frames, double fps) {
    FeatureExtractor.Extraction extraction = extractor.begin(fps);
    for (int f = 0; f < frames; f++) {
      byte[] rgb = {(byte) f, (byte) (100 + f), (byte) (200 + f)};
      extraction.accept(new RgbPicture(rgb, new PictureSize(1, 1)), f / fps);
    }
    return extraction.end();
  }

  /** Numbers of the frames in each window: the red ones of a clip [1, 3, T, 1, 1]. */
  private List<List<Integer>> frames(WindowPlan plan, int frames, double fps) {
    FeatureRows rows = rows(windows(Layout.BCTHW, plan), frames, fps);
    var windows = new ArrayList<List<Integer>>();
    for (int i = 0; i < rows.rows(); i++) {
      var window = new ArrayList<Integer>();
      for (int f = 0; f < plan.frames(); f++) {
        window.add((int) rows.at(i, f));
      }
      windows.add(window);
    }
    return windows;
  }

  @Test
  void windows_lieSideBySide_overlap_orLeaveFramesOut() {
    assertThat(frames(plan(3, 3), 8, 10)).containsExactly(List.of(0, 1, 2), List.of(3, 4, 5));
    assertThat(frames(plan(3, 2), 8, 10))
        .containsExactly(List.of(0, 1, 2), List.of(2, 3, 4), List.of(4, 5, 6));
    assertThat(frames(plan(2, 5), 8, 10)).containsExactly(List.of(0, 1), List.of(5, 6));
    assertThat(frames(plan(9, 9), 8, 10)).isEmpty();
  }

  @Test
  void windows_areAtMostSoMany() {
    var plan = new WindowPlan(3, 2, OptionalInt.of(2), OptionalDouble.empty());
    assertThat(frames(plan, 20, 10)).containsExactly(List.of(0, 1, 2), List.of(2, 3, 4));
  }

  @Test
  void atAnotherRate_theNearestFramesAreTaken() {
    // Moments of 4 a second in a video of 10: 0, 2.5, 5, 7.5, 10 frames; of two as near the
    // earlier.
    var half = new WindowPlan(5, 5, OptionalInt.empty(), OptionalDouble.of(4));
    assertThat(frames(half, 12, 10)).containsExactly(List.of(0, 2, 5, 7, 10));
    // 20 a second in one of 10: each frame twice, but for the earlier of two as near.
    var twice = new WindowPlan(6, 6, OptionalInt.of(1), OptionalDouble.of(20));
    assertThat(frames(twice, 4, 10)).containsExactly(List.of(0, 0, 1, 1, 2, 2));
    // The last frame is shown for its time, and no longer.
    var all = new WindowPlan(1, 1, OptionalInt.empty(), OptionalDouble.of(20));
    assertThat(frames(all, 2, 10)).containsExactly(List.of(0), List.of(0), List.of(1), List.of(1));
  }

  @Test
  void layouts_putTimeBeforeOrAfterColour() {
    assertThat(rows(windows(Layout.BCTHW, plan(2, 2)), 2, 10).values())
        .containsExactly(0, 1, 100, 101, 200, 201);
    assertThat(rows(windows(Layout.BTCHW, plan(2, 2)), 2, 10).values())
        .containsExactly(0, 100, 200, 1, 101, 201);
  }

  @Test
  void i3d_isToldWhatToDoItself_andKnownByItsGitHash() {
    var network =
        new MadeNetwork(
            List.of("x", "rescale", "resize", "return_features"),
            given -> List.of(Tensor.zeros(1, 4)));
    NetworkFile file = MadeNetwork.file(folder, "i3d.pt", network);
    // printf i3d.pt | git hash-object --stdin
    String blob = "1a16f04c382fef876d597372f478c69c530099fe";
    assertThatThrownBy(
            () -> I3d.distance(file, I3d.Preparation.ORIGINAL, WindowPlan.OF_16, I3d.GIT_BLOB))
        .hasMessageContaining("expected i3d_torchscript.pt, git blob " + I3d.GIT_BLOB)
        .hasMessageContaining("found " + blob);
    FeatureDistance inside = I3d.distance(file, I3d.Preparation.STYLEGAN_V, plan(10, 10), blob);
    rows(inside.features(), 10, 10);
    assertThat(MadeNetwork.given(network.calls.get(0), "rescale").longs().get(0)).isEqualTo(1);
    assertThat(MadeNetwork.given(network.calls.get(0), "x").shape())
        .containsExactly(1, 3, 10, 1, 1);
    FeatureDistance outside = I3d.distance(file, I3d.Preparation.VIDEOGPT, plan(10, 10), blob);
    rows(outside.features(), 10, 10);
    assertThat(MadeNetwork.given(network.calls.get(1), "resize").longs().get(0)).isZero();
    assertThat(MadeNetwork.given(network.calls.get(1), "return_features").longs().get(0))
        .isEqualTo(1);
    assertThat(MadeNetwork.given(network.calls.get(1), "x").shape())
        .containsExactly(1, 3, 10, 224, 224);
    assertThat(inside.features().identity()).isNotEqualTo(outside.features().identity());
    assertThatThrownBy(() -> I3d.distance(file, I3d.Preparation.ORIGINAL, plan(9, 9), blob))
        .hasMessageContaining("at least 10 frames, found 9");
  }

  @Test
  void declaredInputs_areRead_andWrongOnesNamed() {
    FeatureInput input = FeatureInput.parse("layout=btchw,resize=crop-ceil,values=imagenet");
    assertThat(input.layout()).isEqualTo(FeatureInput.Layout.BTCHW);
    assertThat(input.picture().text())
        .isEqualTo("size=224,filter=bilinear,resize=crop_ceil,values=imagenet");
    assertThatThrownBy(() -> FeatureInput.parse("layout=thwc"))
        .hasMessageContaining("layout: expected one of bcthw, btchw, bchw, found 'thwc'");
    assertThatThrownBy(() -> FeatureInput.parse("crop=224"))
        .hasMessageContaining("found 'crop=224'");
    assertThatThrownBy(() -> FeatureInput.parse("size=big"))
        .hasMessageContaining("size: expected a number of pixels, found 'big'");
  }
}
