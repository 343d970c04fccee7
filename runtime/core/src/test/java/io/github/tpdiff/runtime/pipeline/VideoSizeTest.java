package io.github.tpdiff.runtime.pipeline;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.github.tpdiff.runtime.diffusion.FrameResampling;
import io.github.tpdiff.runtime.diffusion.GridAxis;
import io.github.tpdiff.runtime.diffusion.GridFactor;
import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.model.LinearVideoModel;
import io.github.tpdiff.runtime.model.ModelDescription;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class VideoSizeTest {
  private static final ModelDescription.Latents WAN =
      new ModelDescription.Latents(2, 8, 4, true, 100, 16, List.of(0.0, 0.0), List.of(1.0, 1.0));
  private static final ModelDescription.Latents FRAME_WISE =
      new ModelDescription.Latents(1, 8, 1, false, 32, 8, List.of(0.0), List.of(1.0));

  @Test
  void wanVideo_has21LatentFrames() {
    assertEquals(
        new LatentShape(1, 2, 21, 60, 104),
        new VideoSize(480, 832, 81, 16)
            .latentShape(WAN, pyramid(3, FrameResampling.sharedFirstFrame())));
  }

  @Test
  void frameWiseVideo_hasAsManyLatentFrames() {
    assertEquals(
        new LatentShape(1, 1, 16, 8, 8),
        new VideoSize(64, 64, 16, 8)
            .latentShape(FRAME_WISE, pyramid(3, FrameResampling.groupedFirstFrame())));
  }

  @ParameterizedTest
  @CsvSource({
    "1, 80, frames: 80 do not fit this model; the nearest that fit are 77 and 81",
    "1, 2, frames: 2 do not fit this model; the nearest that fit are 1 and 5",
    "3, 85, 'frames: 85 do not fit this model in stages with rates [2, 2];"
        + " the nearest that fit are 81 and 97'",
    "3, 5, 'frames: 5 do not fit this model in stages with rates [2, 2];"
        + " the shortest that fits is 17'",
  })
  void framesThatDoNotFit_areRefusedWithTheNearest(int stages, int frames, String message) {
    var size = new VideoSize(480, 832, frames, 16);
    var config = pyramid(stages, FrameResampling.sharedFirstFrame());
    var error = assertThrows(IllegalArgumentException.class, () -> size.latentShape(WAN, config));
    assertEquals(message, error.getMessage());
  }

  @Test
  void framesBeyondTheModelsPositions_areRefused() {
    var size = new VideoSize(64, 64, 40, 8);
    var error =
        assertThrows(
            IllegalArgumentException.class,
            () -> size.latentShape(FRAME_WISE, StageConfig.vanilla()));
    assertEquals(
        "frames: at most 32, whose positions this model can tell apart, found 40",
        error.getMessage());
  }

  @ParameterizedTest
  @CsvSource({
    "470, 832, 'height: expected a multiple of 16, found 470; use 464 or 480'",
    "480, 8, 'width: expected a multiple of 16, found 8; use 16'",
  })
  void sidesThatDoNotFit_areRefusedWithTheNearest(int height, int width, String message) {
    var size = new VideoSize(height, width, 81, 16);
    var error =
        assertThrows(
            IllegalArgumentException.class, () -> size.latentShape(WAN, StageConfig.vanilla()));
    assertEquals(message, error.getMessage());
  }

  private static final StageConfig HALVED_TWICE =
      StageConfig.of(
          List.of(new GridFactor(1, 2, 2), new GridFactor(1, 2, 2)),
          FrameResampling.sharedFirstFrame());

  @Test
  void sidesOfEveryStage_areOfWholePatches() {
    assertEquals(
        new LatentShape(1, 2, 21, 56, 104),
        new VideoSize(448, 832, 81, 16).latentShape(WAN, HALVED_TWICE));
    // 480 = 15 · 32 goes down once.
    var once = HALVED_TWICE.withRates(List.of(GridFactor.cube(2)));
    assertEquals(
        new LatentShape(1, 2, 21, 60, 104), new VideoSize(480, 832, 81, 16).latentShape(WAN, once));
  }

  @ParameterizedTest
  @CsvSource({
    "480, 832, 'height: 480 does not divide into stages with rates [[1, 2, 2], [1, 2, 2]]:"
        + " stage 3 would have 120 pixels, which must be a multiple of 16; use 448 or 512'",
    "448, 848, 'width: 848 does not divide into stages with rates [[1, 2, 2], [1, 2, 2]]:"
        + " stage 2 would have 424 pixels, which must be a multiple of 16; use 832 or 896'",
    "48, 832, 'height: 48 does not divide into stages with rates [[1, 2, 2], [1, 2, 2]]:"
        + " stage 2 would have 24 pixels, which must be a multiple of 16; use 64'",
    "470, 832, 'height: expected a multiple of 16, found 470; use 448 or 512'",
  })
  void sidesThatDoNotDivideIntoStages_areRefusedByStageWithTheNearest(
      int height, int width, String message) {
    var size = new VideoSize(height, width, 81, 16);
    var error =
        assertThrows(IllegalArgumentException.class, () -> size.latentShape(WAN, HALVED_TWICE));
    assertEquals(message, error.getMessage());
  }

  @Test
  void axesHaveTheirOwnRates() {
    var ofWidth =
        StageConfig.of(List.of(new GridFactor(1, 1, 3)), FrameResampling.sharedFirstFrame());
    assertEquals(
        new LatentShape(1, 2, 21, 58, 102),
        new VideoSize(464, 816, 81, 16).latentShape(WAN, ofWidth));
    var error =
        assertThrows(
            IllegalArgumentException.class,
            () -> new VideoSize(464, 832, 81, 16).latentShape(WAN, ofWidth));
    assertEquals(
        "width: 832 does not divide into stages with rates [[1, 1, 3]]: stage 2 would have"
            + " 832 / 3 pixels, which must be a multiple of 16; use 816 or 864",
        error.getMessage());
  }

  @Test
  void sidesThatAreLeftOpen_areTheLargestUpToTheDefaultThatDivide() {
    ModelDescription model = LinearVideoModel.description(); // 32 x 16 pixels, multiples of 16
    assertEquals(new VideoSize(16, 32, 9, 16), VideoChoice.open().of(model, StageConfig.vanilla()));
    var halved = HALVED_TWICE.withRates(List.of(new GridFactor(1, 1, 2)));
    assertEquals(new VideoSize(16, 32, 9, 16), VideoChoice.open().of(model, halved));
    // Where none is so small, the smallest.
    assertEquals(new VideoSize(64, 64, 9, 16), VideoChoice.open().of(model, HALVED_TWICE));
    assertEquals(448, WAN.sideFor(HALVED_TWICE, GridAxis.HEIGHT, 480));
    assertEquals(832, WAN.sideFor(HALVED_TWICE, GridAxis.WIDTH, 832));
    assertEquals(64, WAN.multiple(HALVED_TWICE, GridAxis.WIDTH));
  }

  private static StageConfig pyramid(int stages, FrameResampling resampling) {
    return StageConfig.pyramid(stages, resampling);
  }
}
