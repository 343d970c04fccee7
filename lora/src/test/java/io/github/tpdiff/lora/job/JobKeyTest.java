package io.github.tpdiff.lora.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tpdiff.lora.job.JobKey.Otherwise;
import io.github.tpdiff.weights.CheckpointException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is said about the keys of a job, against what reading jobs does. */
final class JobKeyTest {
  @TempDir private Path folder;

  private static List<JobKey> leaves() {
    return JobKey.all().stream()
        .filter(key -> !(key.otherwise() instanceof Otherwise.Section))
        .toList();
  }

  /** A small job, with one more key, or another value of one. */
  private TrainingJob withKey(String section, String name, String value) throws IOException {
    String own = "  " + name + ": " + value + "\n";
    var job = new StringBuilder();
    for (String there : List.of("model.path", "data.path", "sample.prompts")) {
      String part = there.substring(0, there.indexOf('.'));
      boolean replaced = there.equals(section + "." + name);
      job.append(part).append(":\n").append(section.equals(part) ? own : "");
      job.append(replaced ? "" : "  %s: p\n".formatted(there.substring(part.length() + 1)));
    }
    if (!job.toString().contains(own)) {
      job.append(section).append(":\n").append(own);
    }
    Path file = folder.resolve("job.yaml");
    Files.writeString(file, job);
    return TrainingJob.read(file);
  }

  private static String section(JobKey key) {
    return key.path().substring(0, key.path().indexOf('.'));
  }

  @Test
  void statedDefault_isWhatTheKeyMeansWhereItIsLeftOut() throws IOException {
    TrainingJob smallest = withKey("model", "path", "p");
    int stated = 0;
    for (JobKey key : leaves()) {
      if (key.otherwise() instanceof Otherwise.Value value) {
        assertThat(withKey(section(key), key.name(), value.written()))
            .as("%s: %s", key.path(), value.written())
            .isEqualTo(smallest);
        stated++;
      }
    }
    assertThat(stated).isGreaterThan(20);
  }

  @Test
  void everyKey_isSaidOnceWithTypeAndMeaning() {
    Set<String> paths = new HashSet<>();
    for (JobKey key : JobKey.all()) {
      assertThat(paths.add(key.path())).as(key.path()).isTrue();
      assertThat(key.type()).as(key.path()).isNotBlank();
      assertThat(key.meaning()).as(key.path()).endsWith(".").doesNotContain("\n", "|");
      if (key.otherwise() instanceof Otherwise.Computed computed) {
        assertThat(computed.words()).as(key.path()).isNotBlank();
      }
    }
    assertThat(leaves()).extracting(JobKey::path).contains("model.path", "train.steps");
  }

  @Test
  void everyMisspelling_isRefusedWithTheLineAndAKeyThatThereIs() {
    Set<String> known = new HashSet<>();
    JobKey.all().forEach(key -> known.add(key.path()));
    for (JobKey key : leaves()) {
      String name = key.name();
      for (int i = 0; i < name.length(); i++) {
        String dropped = name.substring(0, i) + name.substring(i + 1);
        String doubled = name.substring(0, i) + name.charAt(i) + name.substring(i);
        for (String wrong : List.of(dropped, doubled, name + "_")) {
          if (!wrong.isEmpty() && !known.contains(section(key) + "." + wrong)) {
            assertThatThrownBy(() -> withKey(section(key), wrong, "1"))
                .as("%s.%s", section(key), wrong)
                .isInstanceOf(CheckpointException.class)
                .hasMessageMatching(
                    ".*job.yaml: line \\d: unknown key '%s' in %s; .*"
                        .formatted(wrong, section(key)));
          }
        }
      }
      assertThatThrownBy(() -> withKey(section(key), name + "_", "1"))
          .hasMessageContaining("the nearest is '" + name + "'");
    }
  }

  @Test
  void everyKey_refusesWhatIsOfAnotherType() {
    for (JobKey key : leaves()) {
      for (String wrong : List.of("[[1]]", "", "null", "{a: {b: 1}}")) {
        assertThatThrownBy(() -> withKey(section(key), key.name(), wrong))
            .as("%s: %s", key.path(), wrong)
            .isInstanceOf(CheckpointException.class)
            .hasMessageMatching(
                ".*job.yaml: line [2468]: %s(\\.a)?: expected .*, found .*".formatted(key.path()));
      }
    }
  }
}
