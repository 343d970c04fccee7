package io.github.tpdiff.quickstart;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import io.github.tpdiff.runtime.media.VideoReader;
import io.github.tpdiff.runtime.model.CheckpointTemplate;
import io.github.tpdiff.runtime.model.Families;
import io.github.tpdiff.runtime.model.ModelDescription.Defaults;
import io.github.tpdiff.runtime.model.ModelFamily;
import io.github.tpdiff.runtime.model.RecordJson;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.runtime.onnx.ExportRequest;
import io.github.tpdiff.runtime.onnx.ExportedFolder;
import io.github.tpdiff.weights.DType;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class QuickstartTest {
  private static final String BEGINS = "// README begins\n";
  private static final String ENDS = "// README ends";

  @TempDir private Path folder;

  /** In a process of its own, whose working folder has an export and nothing else. */
  @Test
  void program_makesItsVideo_withWhatItsPomBrings() throws Exception {
    Path work = Files.createDirectory(folder.resolve("work"));
    exportTiny(work.resolve("exported"));
    Path log = folder.resolve("log");
    String classes =
        List.of(System.getProperty("java.class.path").split(File.pathSeparator)).stream()
            .map(entry -> Path.of(entry).toAbsolutePath().toString())
            .collect(Collectors.joining(File.pathSeparator));
    Path options =
        Files.writeString(
            folder.resolve("options"), "-cp \"" + classes.replace("\\", "\\\\") + '"');
    int code =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx1g",
                "@" + options,
                Quickstart.class.getName())
            .directory(work.toFile())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start()
            .waitFor();
    assertThat(code).as(Files.readString(log)).isZero();
    assertThat(Files.readString(log)).contains("wrote ball.mp4");
    assertThat(VideoReader.probe(work.resolve("ball.mp4")).frames()).isGreaterThan(1);
  }

  private void exportTiny(Path target) {
    CheckpointTemplate tiny =
        ModelFamily.all().stream()
            .flatMap(family -> family.templates().entrySet().stream())
            .filter(own -> own.getKey().equals("wan-tiny"))
            .findFirst()
            .orElseThrow()
            .getValue();
    Path checkpoint = folder.resolve("checkpoint");
    tiny.write(
        new CheckpointTemplate.Order(
            checkpoint, DType.F32, tiny.defaultComponents(), (written, total) -> {}));
    RecordJson.DEFAULTS.write(
        checkpoint.resolve(RecordJson.DEFAULTS_FILE), new Defaults(32, 32, 5, 8, 2, 1));
    try (VideoModel model = Families.open(checkpoint)) {
      ExportedFolder.write(model, target, ExportRequest.of(model.description().vanillaStages()));
    }
  }

  @Test
  void readme_showsWhatIsCompiledHere() throws Exception {
    Path root = Path.of("").toAbsolutePath();
    while (!Files.isRegularFile(root.resolve("tpdiff"))) {
      root = requireNonNull(root.getParent());
    }
    String source =
        Files.readString(
            root.resolve("quickstart/src/main/java/io/github/tpdiff/quickstart/Quickstart.java"));
    int from = source.indexOf(BEGINS) + BEGINS.length();
    String region = source.substring(from, source.lastIndexOf('\n', source.indexOf(ENDS)) + 1);
    assertThat(Files.readString(root.resolve("README.md")))
        .contains("\n```java\n" + region.stripTrailing().stripIndent() + "\n```\n");
  }
}
