package io.github.tpdiff.spark;

import io.github.tpdiff.cli.Tpdiff;
import java.io.Writer;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** What {@code spark-submit} is given: the verbs of {@code tpdiff} that a cluster can share. */
@Command(
    name = "tpdiff-spark",
    description = "The tpdiff command's verbs on Apache Spark.",
    footer = {
      "",
      "Exit codes: 0 done, 1 a check failed, 2 wrong usage or input, 3 an internal error."
    })
public final class SparkTpdiff implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "expected a verb");
  }

  static CommandLine commandLine(Writer out, Writer err) {
    var root = new CommandLine(new SparkTpdiff());
    root.addSubcommand(new PrepareVerb());
    root.addSubcommand(new TrainVerb());
    root.addSubcommand(new GenerateVerb());
    root.addSubcommand(new EvaluateVerb());
    return Tpdiff.asTpdiff(root, out, err);
  }

  private static CommandLine commandLine() {
    var plain = new CommandLine(new SparkTpdiff());
    return commandLine(plain.getOut(), plain.getErr());
  }

  /** Runs one verb and ends the process. */
  public static void main(String[] arguments) {
    System.exit(Tpdiff.execute(commandLine(), arguments));
  }
}
