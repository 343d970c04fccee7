package io.github.tpdiff.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/** The README beside the modules. */
record Readme(String text) {
  private static final Pattern WORD = Pattern.compile("\"([^\"]*)\"|(#.*)|([^\\s\"]+)");

  /** In the folder or above it. */
  static Readme find(Path below) throws IOException {
    return new Readme(Files.readString(root(below).resolve("README.md")));
  }

  /** The folder of all modules, in which {@code below} is. */
  static Path root(Path below) throws IOException {
    Path folder = below.toAbsolutePath();
    while (!Files.isRegularFile(folder.resolve("README.md"))
        || !Files.isRegularFile(folder.resolve("tpdiff"))) {
      folder = folder.getParent();
      if (folder == null) {
        throw new IOException("README.md: expected above the working folder, found none");
      }
    }
    return folder;
  }

  /** The first block of a language after a heading. */
  String block(String heading, String language) {
    int start = text.indexOf("\n## " + heading + "\n");
    int from = text.indexOf("\n```" + language + "\n", start) + language.length() + 5;
    return text.substring(from, text.indexOf("\n```", from) + 1);
  }

  /** The words of each command of the block after a heading, without {@code ./tpdiff}. */
  List<List<String>> commands(String heading) {
    return block(heading, "")
        .lines()
        .filter(line -> line.startsWith("./tpdiff "))
        .map(line -> words(line.substring("./tpdiff ".length())))
        .toList();
  }

  private static List<String> words(String line) {
    return WORD.matcher(line)
        .results()
        .takeWhile(word -> word.group(2) == null)
        .map(Readme::word)
        .toList();
  }

  private static String word(MatchResult match) {
    return match.group(1) == null ? match.group(3) : match.group(1);
  }
}
