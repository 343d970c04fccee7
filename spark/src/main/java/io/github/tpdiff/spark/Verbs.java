package io.github.tpdiff.spark;

import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;

/** Arguments of verbs, which say on executors what they say on the driver. */
final class Verbs {
  private Verbs() {}

  /** What was given to the verb that runs. */
  static List<String> arguments(CommandSpec verb) {
    List<String> all = verb.root().commandLine().getParseResult().originalArgs();
    return List.copyOf(all.subList(1, all.size()));
  }

  /** A verb with its arguments. */
  static <T> T parse(T verb, List<String> arguments) {
    new CommandLine(verb)
        .setCaseInsensitiveEnumValuesAllowed(true)
        .parseArgs(arguments.toArray(String[]::new));
    return verb;
  }
}
