package io.github.tpdiff.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The page of licences, against the class path that this test runs on. */
final class ThirdPartyTest {
  private static final Pattern JAR =
      Pattern.compile(".*/repository/(.+)/([^/]+)/[^/]+/[^/]+\\.jar");

  private static Set<String> artifacts() {
    var artifacts = new TreeSet<String>();
    for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
      var jar = JAR.matcher(entry.replace(File.separatorChar, '/'));
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

  @Test
  void everyArtifactOfADistribution_isOnTheClassPath() {
    assertThat(artifacts()).containsAll(listed("artifact"));
  }
}
