package io.github.tpdiff.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.tpdiff.runtime.media.VideoReader;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReadmeTest {
  private static final String BEGINS = "// README begins\n";
  private static final String ENDS = "// README ends";

  @TempDir private Path folder;

  /** In a process of its own, whose working folder is empty. */
  @Test
  void firstBlock_andTheJava_runAsTheyStand() throws Exception {
    String classes =
        List.of(System.getProperty("java.class.path").split(File.pathSeparator)).stream()
            .map(entry -> Path.of(entry).toAbsolutePath().toString())
            .collect(Collectors.joining(File.pathSeparator));
    Path options =
        Files.writeString(
            folder.resolve("options"), "-cp \"" + classes.replace("\\", "\\\\") + '"');
    Path work = Files.createDirectory(folder.resolve("work"));
    Path log = folder.resolve("log");
    var command =
        new ArrayList<>(
            List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString()));
    command.addAll(List.of("-Xmx2g", "-Dai.djl.offline=true", "-DOPT_OUT_TRACKING=true"));
    command.addAll(List.of("@" + options, ReadmeRun.class.getName()));
    command.add(Path.of("").toAbsolutePath().toString());
    int code =
        new ProcessBuilder(command)
            .directory(work.toFile())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start()
            .waitFor();
    assertThat(code).as(Files.readString(log)).isZero();
    assertThat(VideoReader.probe(work.resolve("java.mp4")).frames()).isEqualTo(33);
    for (String name : List.of("torch", "onnx")) {
      assertThat(VideoReader.probe(work.resolve(name + ".mp4")).frames()).isEqualTo(33);
      assertThat(ImageIO.read(work.resolve(name + ".png").toFile()).getWidth())
          .isEqualTo(4 + 9 * (64 + 4));
    }
    assertThat(Files.readString(log)).contains("transformer, stage 3 of").doesNotContain("FAIL");
  }

  @Test
  void java_isWhatIsCompiledHere() throws Exception {
    Path root = Readme.root(Path.of(""));
    String source =
        Files.readString(root.resolve("cli/src/test/java/io/github/tpdiff/cli/ReadmeExample.java"));
    int from = source.indexOf(BEGINS) + BEGINS.length();
    String region = source.substring(from, source.lastIndexOf('\n', source.indexOf(ENDS)) + 1);
    assertThat(Readme.find(Path.of("")).block("From Java", "java"))
        .isEqualTo(region.stripTrailing().stripIndent() + "\n");
  }
}
