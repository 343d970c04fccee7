package io.github.tpdiff.lora.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tpdiff.weights.CheckpointException;
import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class YamlReaderTest {
  private static final String SMALLEST = "model: {path: m}\ndata: {path: d}\n";

  @TempDir private Path folder;

  private TrainingJob read(String text) throws IOException {
    Path file = folder.resolve("job.yaml");
    Files.writeString(file, text);
    return TrainingJob.read(file);
  }

  @Test
  void aliasesAndMergeKeys_standForWhatTheyName() throws IOException {
    TrainingJob job =
        read(
            """
            model: {path: m}
            data: {path: d, negative_prompt: &bad "blurry, still"}
            train: &common {seed: &s 7, steps: &n 30, learning_rate: 2e-4}
            sample:
              <<: {seed: *s, steps: *n}
              prompts: &p [*bad, a ball]
              steps: 4
            output:
              save_every: *n
            """);
    assertThat(job.sample().prompts()).containsExactly("blurry, still", "a ball");
    assertThat(job.sample().seed()).isEqualTo(7);
    // Beside a merge key counts more than in it.
    assertThat(job.sample().steps()).contains(4);
    assertThat(job.output().saveEvery()).isEqualTo(30);
  }

  @Test
  void ofSeveralMerged_theFirstCounts() throws IOException {
    TrainingJob job =
        read(
            """
            model: {path: m}
            data: &a {path: d, validation: 0.5}
            lora: {rank_pattern: &r {to_q: 3}}
            output: {<<: [{keep: 5}, {keep: 6, save_every: 8}]}
            """);
    assertThat(job.output().keep()).isEqualTo(5);
    assertThat(job.output().saveEvery()).isEqualTo(8);
    assertThat(job.lora().ranks().values()).containsExactly(3);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "train: {steps: *n}|line 3: *n: expected an anchor &n above it",
        "train: &t {steps: *t}|line 3: *t stands for what it is part of",
        "train: {steps: *n, seed: &n 4}|line 3: *n: expected an anchor",
        "train: &t\\n  <<: *t|line 4: *t stands for what it is part of",
        "train:\\n  <<: [1]|line 4: <<: expected keys and values, such as *anchor, found '1'",
        "train:\\n  <<: {stps: 3}|line 4: unknown key 'stps' in train; the nearest is 'steps'",
        "train:\\n  steps: 3\\n  steps: 4|line 5: 'steps' is there twice, first in line 4",
        "model: {path: n}|line 3: 'model' is there twice, first in line 1",
        "train:\\n  <<: {steps: 3}\\n  <<: {seed: 4}|line 5: '<<' is there twice",
        "train:\\n\\tsteps: 3|line 4: found character '\\t(TAB)'",
        "train: {steps: !!java.lang.Integer 3}|line 3: expected no tag, found !!java.lang.Integer",
        "train: {steps: !!int 3}|line 3: expected no tag",
        "train: !!javax.script.ScriptEngineManager [!!java.net.URL ['http://h/']]|line 3: expected no tag",
        "train: {!!str steps: 3}|line 3: expected no tag",
        "train: {steps: !own 3}|line 3: expected no tag, found !own",
        "---\\nmodel: {path: other}|expected one document, found another after '---'",
        "train: {[1, 2]: 3}|line 3: ",
        "train: {? {a: b} : 3}|line 3: ",
        "train: [|line ",
        "train: {steps: 3|line ",
        "train: {steps: '3}|line ",
        "train: @steps|line 3: ",
        "train: {steps: 3}}|line 3: ",
        "`  train: {steps: 3}`|line 3: ",
        "train: {seed: a\\u0000b}|line 3: ",
        "train: {seed: %s}|line 3: ",
      })
  void whatIsNoJob_isRefusedWithItsLine(String lines, String message) {
    assertThatThrownBy(
            () ->
                read(
                    SMALLEST
                        + lines.replace("\\n", "\n").replace("\\t", "\t").replace("\\u0000", "\0")))
        .isInstanceOf(CheckpointException.class)
        .hasMessageStartingWith(folder.resolve("job.yaml") + ": ")
        .hasMessageContaining(message.replace("\\n", "\n"))
        .hasMessageNotContaining("\n");
  }

  @Test
  void aliasesOfAliases_takeNeitherTimeNorMemory() {
    var bomb = new StringBuilder(SMALLEST).append("lora:\n  targets:\n    - &a0 [to_q, to_k]\n");
    for (int i = 1; i < 100; i++) {
      bomb.append("    - &a%d [%s]\n".formatted(i, "*a%d, ".formatted(i - 1).repeat(9)));
    }
    assertThatThrownBy(() -> read(bomb.toString()))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("line 5: lora.targets: expected a module name or pattern");
  }

  @Test
  void mergedKeys_areCounted() {
    var names = new StringBuilder();
    for (int i = 0; i < 1000; i++) {
      names.append("n").append(i).append(": 1, ");
    }
    String bomb =
        SMALLEST
            + "lora: {rank_pattern: &r {"
            + names
            + "}}\ntrain: {<<: ["
            + "*r, ".repeat(20)
            + "]}\n";
    assertThatThrownBy(() -> read(bomb)).hasMessageContaining("line 4: <<: more than 10000 keys");
  }

  @Test
  void deepAndLongFiles_areRefused() {
    assertThatThrownBy(() -> read(SMALLEST + "train: " + "[".repeat(50_000)))
        .isInstanceOf(CheckpointException.class)
        .hasMessageNotContaining("\n");
    assertThatThrownBy(() -> read(SMALLEST + "# comment\n".repeat(200_000)))
        .hasMessageContaining("found more than 1048576 bytes");
    assertThatThrownBy(() -> read("")).hasMessageContaining("expected a training job");
    assertThatThrownBy(() -> read("# nothing\n")).hasMessageContaining("expected a training job");
    assertThatThrownBy(() -> read("- model\n")).hasMessageContaining("expected sections");
  }

  @Test
  void sectionWithNothingInIt_isAsIfLeftOut() throws IOException {
    assertThat(read(SMALLEST + "train:\n  # steps: 1000\nsample: ~\n").train())
        .isEqualTo(read(SMALLEST).train());
  }

  @Test
  void byteOrderMark_isPassedOver() throws IOException {
    assertThat(read("\ufeff" + SMALLEST).data().path()).isEqualTo(folder.resolve("d"));
  }

  @Test
  void otherEncodings_areNamedAsSuch() throws IOException {
    Path file = folder.resolve("job.yaml");
    for (Charset other : List.of(StandardCharsets.ISO_8859_1, StandardCharsets.UTF_16)) {
      Files.write(file, "model: {path: caf\u00e9}".getBytes(other));
      assertThatThrownBy(() -> TrainingJob.read(file))
          .isInstanceOf(CheckpointException.class)
          .hasMessage(file + ": expected a text in UTF-8");
    }
  }
}
