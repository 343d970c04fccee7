package io.github.tpdiff.conformance;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A page of documentation, as tests read it.
 *
 * @param name relative to the repository
 */
record Page(String name, String text) {
  private static final Pattern SPAN = Pattern.compile("`([^`\n]+)`");
  private static final Pattern LINK = Pattern.compile("\\]\\(([^)\\s]+)\\)");

  /** The repository's folder. */
  static Path root() {
    Path folder = Path.of("").toAbsolutePath();
    while (!Files.exists(folder.resolve("mvnw"))) {
      folder = java.util.Objects.requireNonNull(folder.getParent());
    }
    return folder;
  }

  static Page read(String name) {
    try {
      return new Page(name, Files.readString(root().resolve(name)));
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  /** Every page for users and contributors. */
  static List<Page> all() {
    try (Stream<Path> docs = Files.list(root().resolve("docs"))) {
      return Stream.concat(
              Stream.of("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "THIRD-PARTY.md"),
              docs.map(file -> "docs/" + file.getFileName())
                  .filter(name -> name.endsWith(".md"))
                  .sorted())
          .map(Page::read)
          .toList();
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  /** What stands between backticks in a line. */
  List<String> spans() {
    return SPAN.matcher(prose()).results().map(found -> found.group(1)).toList();
  }

  List<String> links() {
    return LINK.matcher(prose()).results().map(found -> found.group(1)).toList();
  }

  private String prose() {
    return Pattern.compile("^```.*?^```", Pattern.MULTILINE | Pattern.DOTALL)
        .matcher(text)
        .replaceAll("");
  }

  /** Lines of code blocks. */
  List<String> code() {
    return Pattern.compile("^```\\w*\n(.*?)^```", Pattern.MULTILINE | Pattern.DOTALL)
        .matcher(text)
        .results()
        .map((MatchResult block) -> block.group(1))
        .flatMap(String::lines)
        .toList();
  }

  /** The rows of the tables whose first column has that heading, cell by cell. */
  List<List<String>> rows(String heading) {
    var rows = new ArrayList<List<String>>();
    boolean inside = false;
    for (String line : text.lines().toList()) {
      if (!line.startsWith("|")) {
        inside = false;
      } else if (line.startsWith("| " + heading + " |")) {
        inside = true;
      } else if (inside && !line.startsWith("|--")) {
        rows.add(
            Arrays.stream(line.substring(1, line.lastIndexOf('|')).split("\\|", -1))
                .map(String::strip)
                .toList());
      }
    }
    return rows;
  }
}
