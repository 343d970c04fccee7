package io.github.tpdiff.runtime.media;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.tpdiff.runtime.video.VideoClip;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** A limit on the size of files stands in for a full disk: ffmpeg sees a failing write in both. */
@Timeout(120)
class FullDiskTest {

  @Test
  @EnabledOnOs(OS.LINUX)
  void videoThatDoesNotFit_isReportedAndLeavesTheOldOne(@TempDir Path folder) throws Exception {
    Path file = folder.resolve("clip.mp4");
    VideoWriter.write(file, noise(2));
    var writer =
        new ProcessBuilder(
                "sh",
                "-c",
                "ulimit -f 200; exec \"$@\"",
                "sh",
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx200m",
                "-cp",
                System.getProperty("java.class.path"),
                FullDiskTest.class.getName(),
                file.toString())
            .redirectErrorStream(true)
            .start();
    String output = new String(writer.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(writer.waitFor()).as(output).isEqualTo(2);
    assertThat(output).startsWith(file + ": ").doesNotContain("\n");
    assertThat(VideoReader.readAll(file).frames()).isEqualTo(2);
    try (Stream<Path> files = Files.list(folder)) {
      assertThat(files).containsExactly(file);
    }
  }

  /** Writes more than the limit allows; exits with 2 and the error as output. */
  public static void main(String[] arguments) {
    try {
      VideoWriter.write(Path.of(arguments[0]), noise(40));
    } catch (IOException refused) {
      System.out.print(refused.getMessage());
      System.exit(2);
    }
  }

  private static VideoClip noise(int frames) {
    var random = new Random(0);
    var pixels = new float[3 * frames * 128 * 128];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = 2 * random.nextFloat() - 1;
    }
    return new VideoClip(pixels, frames, 128, 128, 16);
  }
}
