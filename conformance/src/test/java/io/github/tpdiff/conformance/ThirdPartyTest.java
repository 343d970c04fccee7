package io.github.tpdiff.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.base.Splitter;
import java.io.File;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The page of licences, against the class path that this test runs on. */
final class ThirdPartyTest {
  private static final Pattern JAR = Pattern.compile("(.+)/([^/]+)/[^/]+/[^/]+\\.jar");

  /** Where jars lie by group, artifact and version: surefire says so. */
  private static final String REPOSITORY =
      System.getProperty(
          "localRepository", Path.of(System.getProperty("user.home"), ".m2/repository").toString());

  private static Set<String> artifacts() {
    var artifacts = new TreeSet<String>();
    Splitter paths = Splitter.on(File.pathSeparatorChar);
    for (String entry : paths.split(System.getProperty("java.class.path"))) {
      if (!entry.startsWith(REPOSITORY)) {
        continue;
      }
      String below = entry.substring(REPOSITORY.length() + 1);
      var jar = JAR.matcher(below.replace(File.separatorChar, '/'));
      if (jar.matches()) {
        artifacts.add(jar.group(1).replace('/', '.') + ":" + jar.group(2));
      }
    }
    return artifacts;
  }

  private static List<String> listed(String heading) {
    List<String> names =
        Page.read("THIRD-PARTY.md").rows(heading).stream()
            .map(row -> row.get(0).replace("`", ""))
            .toList();
    assertThat(names).hasSizeGreaterThan(5);
    return names;
  }

  @Test
  void everyArtifactOnTheClassPath_hasItsLicenceOnThePage() {
    List<Pattern> known =
        Stream.concat(listed("artifact").stream(), listed("artifacts").stream())
            .map(name -> Pattern.compile(name.replace(".", "\\.").replace("*", ".*")))
            .toList();
    assertThat(artifacts())
        .hasSizeGreaterThan(20)
        .allMatch(artifact -> known.stream().anyMatch(name -> name.matcher(artifact).matches()));
  }

  /** Of the library, of a Kotlin library's variants for the JVM, or of what needs either. */
  @Test
  void nothingOnTheClassPath_isKotlin() {
    assertThat(artifacts()).hasSizeGreaterThan(20).noneMatch(name -> name.contains("kotlin"));
  }

  @Test
  void everyArtifactOfADistribution_isOnTheClassPath() {
    assertThat(artifacts()).containsAll(listed("artifact"));
  }
}
