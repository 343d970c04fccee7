package io.github.tpdiff.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The user's language changes no file: not its i, its digits, or its decimal point. */
class LocaleTest {
  private final Locale before = Locale.getDefault();
  @TempDir private Path folder;

  @AfterEach
  void restore() {
    Locale.setDefault(before);
  }

  @ParameterizedTest
  @CsvSource({"wan-tiny, tr-TR", "wan-tiny, ar-EG-u-nu-arab", "animatediff-tiny, ar-EG-u-nu-arab"})
  void checkpointsAndExports_areTheSameInEveryLanguage(String template, String tag)
      throws IOException {
    Locale.setDefault(Locale.ROOT);
    Map<String, byte[]> expected = made(template, "plain");
    Locale.setDefault(Locale.forLanguageTag(tag));
    Map<String, byte[]> found = made(template, "other");
    assertThat(found.keySet()).isEqualTo(expected.keySet());
    found.forEach((file, bytes) -> assertThat(bytes).as(file).isEqualTo(expected.get(file)));
  }

  private Map<String, byte[]> made(String template, String name) throws IOException {
    Path root = folder.resolve(name);
    // The same names inside both: exports record the checkpoint's.
    Path model = root.resolve("model");
    Path exported = root.resolve("exported");
    for (Invocation run :
        new Invocation[] {
          Invocation.of("new-checkpoint", template, model),
          Invocation.of("export", model, exported, "--stages", "3", "--check")
        }) {
      assertThat(run.exitCode()).as(run.out() + run.err()).isZero();
    }
    var files = new TreeMap<String, byte[]>();
    try (Stream<Path> walk = Files.walk(root)) {
      for (Path file : walk.filter(Files::isRegularFile).toList()) {
        files.put(root.relativize(file).toString(), Files.readAllBytes(file));
      }
    }
    return files;
  }
}
