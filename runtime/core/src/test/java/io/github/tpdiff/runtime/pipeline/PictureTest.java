package io.github.tpdiff.runtime.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.weights.CheckpointException;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PictureTest {
  private static final int RED = 0xff0000;
  private static final int GREEN = 0x00ff00;
  private static final int BLUE = 0x0000ff;

  @TempDir private Path folder;

  /** A png of vertical stripes of one width. */
  private Path stripes(int width, int height, int... colours) throws IOException {
    var image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        image.setRGB(x, y, colours[x * colours.length / width]);
      }
    }
    Path file = folder.resolve("picture.png");
    ImageIO.write(image, "png", file.toFile());
    return file;
  }

  private static Tensor filling(Path file, int width, int height) {
    return Picture.read(file).filling(new VideoSize(height, width, 1, 8));
  }

  @Test
  void levels_areFromMinusOneToOne_redFirst() throws IOException {
    Tensor tensor = filling(stripes(4, 4, 0xff0080), 4, 4);
    assertThat(tensor.shape()).containsExactly(1, 3, 1, 4, 4);
    float[] values = tensor.toFloatArray();
    for (int i = 0; i < 16; i++) {
      assertThat(values[i]).isEqualTo(1);
      assertThat(values[16 + i]).isEqualTo(-1);
      assertThat(values[32 + i]).isEqualTo(2f * 128 / 255 - 1);
    }
  }

  @Test
  void widePicture_isCutAroundItsMiddle() throws IOException {
    float[] values = filling(stripes(30, 10, RED, GREEN, BLUE), 10, 10).toFloatArray();
    for (int i = 0; i < 100; i++) {
      assertThat(values[i]).isEqualTo(-1);
      assertThat(values[100 + i]).isEqualTo(1);
      assertThat(values[200 + i]).isEqualTo(-1);
    }
  }

  @Test
  void smallPicture_isScaledUntilItFillsTheSize() throws IOException {
    Tensor tensor = filling(stripes(16, 8, RED, BLUE), 16, 32);
    assertThat(tensor.shape()).containsExactly(1, 3, 1, 32, 16);
    float[] values = tensor.toFloatArray();
    int plane = 16 * 32;
    // Scaled to 64 x 32, of which columns 24 to 39 are seen: half red, half blue.
    for (int y = 0; y < 32; y++) {
      assertThat(values[y * 16]).isEqualTo(1);
      assertThat(values[y * 16 + 15]).isEqualTo(-1);
      assertThat(values[2 * plane + y * 16]).isEqualTo(-1);
      assertThat(values[2 * plane + y * 16 + 15]).isEqualTo(1);
    }
  }

  @Test
  void fileThatIsNoPicture_isNamed() throws IOException {
    Path text = Files.writeString(folder.resolve("picture.png"), "not a picture");
    assertThatThrownBy(() -> Picture.read(text))
        .isInstanceOf(CheckpointException.class)
        .hasMessage(text + ": expected a picture such as png or jpg, found none");
    Path absent = folder.resolve("absent.png");
    assertThatThrownBy(() -> Picture.read(absent))
        .isInstanceOf(CheckpointException.class)
        .hasMessageStartingWith(absent + ": cannot be read as a picture: ")
        .hasMessageNotContaining("\n");
  }
}
