package io.github.tpdiff.cli.doctor;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.stream.Stream;

/**
 * What a process is told of its machine.
 *
 * @param root of the file system
 * @param environment variables
 * @param properties of the virtual machine
 */
record Surroundings(Path root, Map<String, String> environment, Properties properties) {
  Surroundings {
    environment = Map.copyOf(environment);
  }

  /** Those of this process. */
  static Surroundings here() {
    return new Surroundings(Path.of("/"), System.getenv(), System.getProperties());
  }

  String property(String name) {
    return properties.getProperty(name, "");
  }

  /** A variable, or the property of its name, which counts more. */
  Optional<String> variable(String name) {
    return Stream.of(property(name), environment.getOrDefault(name, ""))
        .filter(value -> !value.isBlank())
        .findFirst();
  }

  /** The lines of a file; none where it is not there or may not be read. */
  List<String> lines(String path) {
    try {
      return Files.readString(root.resolve(path), StandardCharsets.ISO_8859_1).lines().toList();
    } catch (IOException absent) {
      return List.of();
    }
  }

  /** The folders that a variable lists. */
  List<Path> folders(String name) {
    return variable(name).stream()
        .flatMap(value -> Arrays.stream(value.split(File.pathSeparator, -1)))
        .filter(folder -> !folder.isBlank())
        .map(Path::of)
        .toList();
  }
}
