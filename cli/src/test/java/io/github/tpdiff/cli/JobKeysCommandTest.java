package io.github.tpdiff.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.tpdiff.lora.job.JobKey;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

final class JobKeysCommandTest {
  @Test
  void pageOnDisk_isWhatTheCodeSays() throws IOException {
    Path root = Path.of("").toAbsolutePath();
    while (!Files.exists(root.resolve("mvnw"))) {
      root = root.resolveSibling("");
    }
    assertThat(Files.readString(root.resolve("docs/job.md")))
        .as("write it again: ./tpdiff job-keys --markdown > docs/job.md")
        .isEqualTo(Invocation.of("job-keys", "--markdown").out());
  }

  @Test
  void list_hasEveryKey() {
    var run = Invocation.of("job-keys");
    assertThat(run.exitCode()).isZero();
    JobKey.all().forEach(key -> assertThat(run.out()).contains(key.path() + ": "));
  }

  @Test
  void oneSection_isListedAlone() {
    assertThat(Invocation.of("job-keys", "lora").out())
        .contains("lora.rank: a whole number, default 32")
        .doesNotContain("train.");
    var wrong = Invocation.of("job-keys", "trian");
    assertThat(wrong.exitCode()).isEqualTo(2);
    assertThat(wrong.err()).contains("found no 'trian'; the nearest is 'train'");
  }
}
