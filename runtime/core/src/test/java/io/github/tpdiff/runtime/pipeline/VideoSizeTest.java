package io.github.tpdiff.runtime.pipeline;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.github.tpdiff.runtime.diffusion.FrameResampling;
import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.StageConfig;
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

  private static StageConfig pyramid(int stages, FrameResampling resampling) {
    return StageConfig.pyramid(stages, resampling);
  }
}
