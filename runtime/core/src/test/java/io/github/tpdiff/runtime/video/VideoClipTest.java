package io.github.tpdiff.runtime.video;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class VideoClipTest {
  private static VideoClip clip(int frames, int height, int width) {
    var random = new Random(5);
    var data = new float[3 * frames * height * width];
    for (int i = 0; i < data.length; i++) {
      data[i] = 2 * random.nextFloat() - 1;
    }
    return new VideoClip(data, frames, height, width, 8);
  }

  /** 9 frames are 1 + 4n of a model whose first frame stands alone, 8 are n of another. */
  @ParameterizedTest
  @CsvSource({
    "9, 2, 2, 3, 5",
    "9, 4, 4, 1, 3",
    "8, 2, 1, 2, 4",
    "8, 4, 2, 6, 2",
    "5, 1, 2, 2, 5",
    "1, 1, 4, 6, 1"
  })
  void smallerClip_hasEveryNthFrameAndTheMeansOfItsBlocks(
      int frames, int time, int rows, int columns, int kept) {
    VideoClip clip = clip(frames, 8, 12);
    VideoClip smaller = clip.coarser(time, rows, columns);
    assertThat(smaller.frames()).isEqualTo(kept);
    assertThat(smaller.height()).isEqualTo(8 / rows);
    assertThat(smaller.width()).isEqualTo(12 / columns);
    assertThat(smaller.fps()).isEqualTo(8.0 / time);
    for (int f = 0; f < kept; f++) {
      float[] from = clip.frame(f * time).data();
      float[] found = smaller.frame(f).data();
      for (int c = 0; c < 3; c++) {
        for (int y = 0; y < 8 / rows; y++) {
          for (int x = 0; x < 12 / columns; x++) {
            double sum = 0;
            for (int row = y * rows; row < (y + 1) * rows; row++) {
              for (int column = x * columns; column < (x + 1) * columns; column++) {
                sum += from[c * 96 + row * 12 + column];
              }
            }
            assertThat(found[(c * (8 / rows) + y) * (12 / columns) + x])
                .isCloseTo((float) (sum / (rows * columns)), within(1e-7f));
          }
        }
      }
    }
  }

  @Test
  void clipOfEveryFrameAndPixel_isTheSame() {
    VideoClip clip = clip(5, 4, 4);
    assertThat(clip.coarser(1, 1, 1)).isSameAs(clip);
  }

  @Test
  void blocksThatDoNotDivide_areRefused() {
    assertThatThrownBy(() -> clip(5, 6, 4).coarser(1, 4, 2))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("clip: expected blocks of 2 x 4 pixels, found 4 x 6");
  }
}
