package io.github.tpdiff.conformance;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** The launcher with a Maven and a Java that only say that they were called. */
@DisabledOnOs(OS.WINDOWS)
class LauncherTest {
  private static final List<String> MODULES =
      List.of(
          "weights-io",
          "runtime/core",
          "runtime/torch",
          "runtime/onnx",
          "runtime/media",
          "adapters",
          "lora",
          "evaluation",
          "serve",
          "cli",
          "conformance");

  @TempDir private Path folder;

  private record Run(int exitCode, String output) {}

  @BeforeEach
  void makeCloneAndTools() throws IOException {
    Path here = Path.of("").toAbsolutePath();
    Path root = Files.isRegularFile(here.resolve("tpdiff")) ? here : here.resolve("..");
    Path clone = Files.createDirectories(folder.resolve("clone"));
    Files.copy(root.resolve("tpdiff"), clone.resolve("tpdiff"));
    Files.copy(root.resolve("mvnw"), clone.resolve("mvnw"));
    Files.writeString(clone.resolve("pom.xml"), "<project/>");
    for (String module : MODULES) {
      Files.createDirectories(clone.resolve(module + "/src/main"));
      Files.writeString(clone.resolve(module + "/pom.xml"), "<project/>");
    }
    tool("java", "echo \"java $*\"");
  }

  private void tool(String name, String body) throws IOException {
    Path tool = Files.createDirectories(folder.resolve("bin")).resolve(name);
    Files.writeString(tool, "#!/bin/sh\n" + body + "\n");
    Files.setPosixFilePermissions(tool, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  private void mavenThatBuilds() throws IOException {
    tool(
        "mvn",
        """
        echo "[INFO] Building tpdiff-runtime-core 0.1.0-SNAPSHOT                     [3/11]"
        sleep 2
        mkdir -p "$HOME/.m2/repository/some"
        head -c 3000000 /dev/zero >"$HOME/.m2/repository/some/library.jar"
        echo "[INFO] Building tpdiff-conformance 0.1.0-SNAPSHOT                      [11/11]"
        sleep 2
        for module in %s; do mkdir -p "$HOME/clone/$module/target/classes"; done
        echo library.jar >"$HOME/clone/target/launcher/class-path"
        """
            .formatted(String.join(" ", MODULES)));
  }

  private Run launch(String... arguments) throws Exception {
    var command = new ArrayList<String>();
    command.add(folder.resolve("clone/tpdiff").toString());
    command.addAll(List.of(arguments));
    var builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().put("HOME", folder.toString());
    builder.environment().put("PATH", folder.resolve("bin") + ":/usr/bin:/bin");
    builder.environment().keySet().removeAll(Set.of("JAVA_HOME", "MAVEN_OPTS"));
    Process process = builder.start();
    String output = new String(process.getInputStream().readAllBytes(), UTF_8);
    return new Run(process.waitFor(), output);
  }

  @Test
  void firstUse_saysWhatMavenDownloadsAndWhereItIs_theNextStartsAtOnce() throws Exception {
    mavenThatBuilds();
    Run first = launch("demo");
    assertThat(first.exitCode()).as(first.output()).isZero();
    assertThat(first.output())
        .contains(
            "first use", "MB once", "tpdiff-runtime-core, 3 of 11", "tpdiff-conformance, 11 of 11")
        .contains("3 MB downloaded")
        .containsPattern("java .*io.github.tpdiff.cli.Tpdiff demo");
    assertThat(launch("demo").output()).startsWith("java ").hasLineCount(1);
  }

  @Test
  void failedBuild_showsItsErrorsAndNamesTheLog() throws Exception {
    tool("mvn", "echo '[INFO] nothing to see'; echo '[ERROR] cannot find symbol'; exit 1");
    Run run = launch("demo");
    assertThat(run.exitCode()).isEqualTo(2);
    assertThat(run.output())
        .contains("[ERROR] cannot find symbol", "tpdiff: the build failed", "build.log")
        .doesNotContain("nothing to see");
  }
}
