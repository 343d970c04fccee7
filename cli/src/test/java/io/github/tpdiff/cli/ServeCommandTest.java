package io.github.tpdiff.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is refused before anything listens; what is served is tested beside the server. */
class ServeCommandTest {
  @TempDir private Path folder;

  @Test
  void withoutAModel_saysHowToNameOne() {
    Invocation run = Invocation.of("serve");
    assertThat(run.exitCode()).isEqualTo(ExitCode.WRONG_INPUT);
    assertThat(run.err()).contains("models: expected at least one").contains("--model NAME=FOLDER");
  }

  @Test
  void aMisspeltKey_isNamedWithItsFile() throws IOException {
    Path file = Files.writeString(folder.resolve("serve.yaml"), "modles: {a: b}\n");
    Invocation run = Invocation.of("serve", file.toString());
    assertThat(run.exitCode()).isEqualTo(ExitCode.WRONG_INPUT);
    assertThat(run.err()).contains(file + ": modles: there is no such field; did you mean models?");
  }

  @Test
  void aFolderThatIsNoModel_isNamed() {
    Invocation run =
        Invocation.of(
            "serve",
            "--model=none=" + folder.resolve("none"),
            "--results=" + folder.resolve("results"));
    assertThat(run.exitCode()).isEqualTo(ExitCode.WRONG_INPUT);
    assertThat(run.err()).contains("none: expected a checkpoint folder, found nothing");
  }
}
