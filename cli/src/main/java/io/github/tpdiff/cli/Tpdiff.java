package io.github.tpdiff.cli;

import io.github.tpdiff.cli.doctor.DoctorCommand;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.file.Path;
import java.util.Locale;
import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The {@code tpdiff} command. */
@Command(
    name = "tpdiff",
    description = "Temporal pyramid video diffusion: train, export, run.",
    footer = {
      "",
      "Exit codes: 0 done, 1 a check failed, 2 wrong usage or input, 3 an internal error."
    })
public final class Tpdiff implements Runnable {
  private static final String VERSION = "tpdiff 0.1.0";

  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "expected a command");
  }

  /** The whole command tree, with the commands of every module on the class path. */
  public static CommandLine commandLine() {
    var root = new CommandLine(new Tpdiff());
    return commandLine(root, root.getOut(), root.getErr());
  }

  /** The whole command tree, printing to {@code out} and {@code err}. */
  static CommandLine commandLine(Writer out, Writer err) {
    return commandLine(new CommandLine(new Tpdiff()), out, err);
  }

  private static CommandLine commandLine(CommandLine root, Writer out, Writer err) {
    CommandProvider.provided().forEach(root::addSubcommand);
    root.addSubcommand(new InspectCommand());
    root.addSubcommand(new ConvertCommand());
    root.addSubcommand(new PlanCommand());
    root.addSubcommand(new DataCommand());
    root.addSubcommand(new PrepareCommand());
    root.addSubcommand(new NewJobCommand());
    root.addSubcommand(new TrainCommand());
    root.addSubcommand(new JobKeysCommand());
    root.addSubcommand(new NewCheckpointCommand());
    root.addSubcommand(new ExperimentCommand());
    root.addSubcommand(new GenerateCommand());
    root.addSubcommand(new CalibrateCommand());
    root.addSubcommand(new ExportCommand());
    root.addSubcommand(new RunCommand());
    root.addSubcommand(new ServeCommand());
    root.addSubcommand(new EvaluateCommand());
    root.addSubcommand(new LoraCommand());
    root.addSubcommand(new DoctorCommand());
    root.addSubcommand(new Completion());
    return asTpdiff(root, out, err);
  }

  /**
   * A tree of commands with this one's manners: help, one line for each error, its exit codes.
   *
   * @param root whose commands return one of {@link ExitCode}
   */
  public static CommandLine asTpdiff(CommandLine root, Writer out, Writer err) {
    addHelp(root);
    var errors = new ErrorLines(Path.of(System.getProperty("java.io.tmpdir")));
    root.setExecutionExceptionHandler(errors);
    root.setParameterExceptionHandler(errors);
    root.setCaseInsensitiveEnumValuesAllowed(true);
    root.setExitCodeExceptionMapper(failure -> ExitCode.INTERNAL);
    root.setOut(new TerminalWriter(out));
    root.setErr(new TerminalWriter(err));
    return root;
  }

  private static void addHelp(CommandLine command) {
    CommandSpec own = command.getCommandSpec().mixinStandardHelpOptions(true).version(VERSION);
    if (own.parent() != null && own.usageMessage().footer().length > 0) {
      own.usageMessage().footerHeading("%nExamples:%n");
    }
    command.setUsageHelpAutoWidth(true);
    command.getSubcommands().values().forEach(Tpdiff::addHelp);
  }

  /** Runs one command and ends the process. */
  public static void main(String[] arguments) {
    System.exit(execute(commandLine(), arguments));
  }

  /**
   * Runs one command of a tree.
   *
   * @return the code with which the process is to end
   */
  public static int execute(CommandLine root, String... arguments) {
    // Its words are English: so are its numbers, whatever the machine's language is.
    Locale.setDefault(Locale.ROOT);
    try {
      return root.execute(arguments);
    } catch (Error failure) {
      // Out of memory, a native library that does not load: picocli handles exceptions only.
      return new ErrorLines(Path.of(System.getProperty("java.io.tmpdir"))).report(failure, root);
    }
  }

  /** Prints a completion script for bash and zsh. */
  @Command(
      name = "completion",
      description = "Prints a completion script: source <(tpdiff completion)",
      footer = "  source <(tpdiff completion)")
  static final class Completion implements Runnable {
    @Spec private CommandSpec spec;

    @Override
    public void run() {
      PrintWriter out = spec.commandLine().getOut();
      out.print(AutoComplete.bash("tpdiff", spec.root().commandLine()));
      out.flush();
    }
  }
}
