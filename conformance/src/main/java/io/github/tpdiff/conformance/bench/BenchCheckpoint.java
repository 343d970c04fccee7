package io.github.tpdiff.conformance.bench;

import io.github.tpdiff.runtime.model.CheckpointTemplate;
import io.github.tpdiff.runtime.model.ModelFamily;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.Folders;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Stream;
import picocli.CommandLine.Option;

/** Which checkpoint a bench measures, as options. */
final class BenchCheckpoint {
  @Option(
      names = "--checkpoint",
      paramLabel = "PATH",
      description = "a checkpoint folder (default: made up)")
  private Optional<Path> checkpoint = Optional.empty();

  @Option(
      names = "--template",
      paramLabel = "NAME",
      defaultValue = "wan-1.3b",
      description = "sizes to make up where no checkpoint is given (default: ${DEFAULT-VALUE})")
  private String template = "wan-1.3b";

  /**
   * A checkpoint folder and a temporary one, which goes when this is closed.
   *
   * @param path the checkpoint
   * @param scratch an empty folder
   */
  record Folder(Path path, Path scratch) implements AutoCloseable {
    @Override
    public void close() throws IOException {
      Folders.delete(scratch);
    }
  }

  /** The checkpoint that was named, or one made up in the temporary folder. */
  Folder folder() throws IOException {
    Path scratch = Files.createTempDirectory("tpdiff-bench");
    try {
      if (checkpoint.isEmpty()) {
        CheckpointTemplate chosen = template();
        chosen.write(order(chosen, scratch.resolve("checkpoint")));
      }
      return new Folder(checkpoint.orElse(scratch.resolve("checkpoint")), scratch);
    } catch (RuntimeException failure) {
      Folders.delete(scratch);
      throw failure;
    }
  }

  private CheckpointTemplate template() {
    return ModelFamily.all().stream()
        .flatMap(family -> Stream.ofNullable(family.templates().get(template)))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "--template: expected one of "
                        + ModelFamily.all().stream()
                            .flatMap(family -> family.templates().keySet().stream())
                            .sorted()
                            .toList()
                        + ", found "
                        + template));
  }

  /** In fp32: what is measured is arithmetic, not the conversion of weights. */
  private static CheckpointTemplate.Order order(CheckpointTemplate template, Path folder) {
    return new CheckpointTemplate.Order(
        folder, DType.F32, template.defaultComponents(), (bytes, total) -> {});
  }
}
