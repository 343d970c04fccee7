package io.github.tpdiff.runtime.media;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class DefaultCharsetTest {

  /** The JVM takes names of files by the locale, and text by a charset of its own. */
  @Test
  @EnabledOnOs(OS.LINUX)
  void namesOfVideos_doNotDependOnTheDefaultCharset(@TempDir Path folder) throws Exception {
    TestVideos.writeQuarters(folder.resolve("plain.mp4"), recorder -> {});
    var reader =
        new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Xmx200m",
            "-Dfile.encoding=ISO-8859-1",
            "-cp",
            System.getProperty("java.class.path"),
            DefaultCharsetTest.class.getName(),
            folder.toString());
    reader.environment().put("LC_ALL", "C.UTF-8");
    var process = reader.redirectErrorStream(true).start();
    var output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(output).isZero();
    assertThat(output).isEqualTo("2");
  }

  /** Gives the plain video in a folder another name and prints how many frames it has there. */
  public static void main(String[] arguments) throws IOException {
    var named = Path.of(arguments[0], "caf\u00e9 \u4e2d.mp4");
    Files.move(Path.of(arguments[0], "plain.mp4"), named);
    System.out.print(VideoReader.probe(named).frames());
  }
}
