package io.github.tpdiff.runtime.media;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.tpdiff.runtime.video.VideoClip;
import io.github.tpdiff.runtime.video.VideoFrame;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PictureTest {
  private static final int GAP = 0x202020;

  @Test
  void png_holdsTheFramesExactColours(@TempDir Path folder) throws IOException {
    var file = folder.resolve("frame.png");
    var data = new float[] {-1, 1, 0, 2, -1, 1, 0, -3, 1, -1, 0.5f, 0};
    PngWriter.write(file, new VideoFrame(data, 2, 2, 0));
    var image = ImageIO.read(file.toFile());
    assertThat(image.getRGB(0, 0) & 0xffffff).isEqualTo(0x0000ff);
    assertThat(image.getRGB(1, 0) & 0xffffff).isEqualTo(0xffff00);
    assertThat(image.getRGB(0, 1) & 0xffffff).isEqualTo(0x8080bf);
    assertThat(image.getRGB(1, 1) & 0xffffff).isEqualTo(0xff0080);
  }

  @Test
  void sheet_showsFirstMiddleAndLastFrame_rowByRow(@TempDir Path folder) throws IOException {
    var file = folder.resolve("sheet.png");
    var white = VideoClip.of(List.of(TestVideos.plain(4, 4, 1, 1, 1)), 8);
    new ContactSheet(3).add(reds(5)).add(white).write(file);
    var image = ImageIO.read(file.toFile());
    assertThat(image.getWidth()).isEqualTo(4 + 3 * (6 + 4));
    assertThat(image.getHeight()).isEqualTo(4 + (2 + 4) + (4 + 4));
    assertThat(image.getRGB(0, 0) & 0xffffff).isEqualTo(GAP);
    assertThat(image.getRGB(4, 4) & 0xffffff).isEqualTo(0x000000);
    assertThat(image.getRGB(14, 5) & 0xffffff).isEqualTo(0x800000);
    assertThat(image.getRGB(24 + 5, 5) & 0xffffff).isEqualTo(0xff0000);
    assertThat(image.getRGB(4, 10) & 0xffffff).isEqualTo(0xffffff);
    assertThat(image.getRGB(14, 10) & 0xffffff).isEqualTo(GAP);
  }

  /** Black to red in even steps. */
  private static VideoClip reds(int frames) {
    var list = new java.util.ArrayList<VideoFrame>();
    for (int f = 0; f < frames; f++) {
      list.add(TestVideos.plain(2, 6, 2f * f / (frames - 1) - 1, -1, -1));
    }
    return VideoClip.of(list, 8);
  }
}
