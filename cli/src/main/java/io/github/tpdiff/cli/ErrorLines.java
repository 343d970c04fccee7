package io.github.tpdiff.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.github.tpdiff.runtime.graph.GraphException;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.NearestName;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.IExecutionExceptionHandler;
import picocli.CommandLine.IParameterExceptionHandler;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;

/**
 * Turns what a command throws into one line on the error stream and an exit code: wrong input is 2,
 * anything else is 3 with a log file.
 */
final class ErrorLines implements IExecutionExceptionHandler, IParameterExceptionHandler {
  private final Path logFolder;

  /**
   * @param logFolder where the details of internal errors are written
   */
  ErrorLines(Path logFolder) {
    this.logFolder = logFolder;
  }

  @Override
  public int handleParseException(ParameterException failure, String[] arguments) {
    CommandLine command = failure.getCommandLine();
    PrintWriter err = command.getErr();
    List<String> unknown =
        command.getUnmatchedArguments().stream().filter(a -> a.startsWith("-")).toList();
    // A misspelt option is also a missing one: say what is there, not what is not.
    boolean misspelt =
        failure instanceof CommandLine.MissingParameterException && !unknown.isEmpty();
    err.println(
        "tpdiff: " + (misspelt ? "Unknown option: '" + unknown.get(0) + "'" : line(failure)));
    List<String> suggestions =
        failure instanceof CommandLine.UnmatchedArgumentException unmatched
            ? unmatched.getSuggestions()
            : misspelt
                ? NearestName.of(unknown.get(0), command.getCommandSpec().optionsMap().keySet())
                    .stream()
                    .toList()
                : List.of();
    String help = "see " + command.getCommandSpec().qualifiedName() + " --help";
    err.println(
        suggestions.isEmpty()
            ? help
            : "did you mean " + String.join(" or ", suggestions) + "? " + help);
    err.flush();
    return ExitCode.WRONG_INPUT;
  }

  @Override
  public int handleExecutionException(
      Exception failure, CommandLine command, ParseResult arguments) {
    return report(failure, command);
  }

  int report(Throwable failure, CommandLine command) {
    PrintWriter err = command.getErr();
    if (isInput(failure)) {
      err.println("tpdiff: " + line(failure));
      err.flush();
      return ExitCode.WRONG_INPUT;
    }
    var trace = new StringWriter();
    failure.printStackTrace(new PrintWriter(trace));
    String message = "tpdiff: internal error: " + line(failure);
    try {
      err.println(message + " (details: " + log(trace.toString()) + ")");
    } catch (IOException unwritable) {
      err.println(message + " (no log: " + unwritable.getMessage() + ")");
      trace.toString().lines().forEach(err::println);
    }
    err.flush();
    return ExitCode.INTERNAL;
  }

  /** Whether the user can mend it. */
  private static boolean isInput(Throwable failure) {
    return isLostPage(failure)
        || failure instanceof CheckpointException
        || failure instanceof GraphException
        || failure instanceof IllegalArgumentException
        || failure instanceof IOException
        || failure instanceof UncheckedIOException;
  }

  /** What Java makes of a page of a mapped file that is gone. */
  private static boolean isLostPage(Throwable failure) {
    return failure instanceof InternalError
        && String.valueOf(failure.getMessage()).contains("unsafe memory access");
  }

  private static String line(Throwable failure) {
    if (failure instanceof UncheckedIOException && failure.getCause() instanceof IOException io) {
      return line(io);
    }
    if (failure instanceof FileSystemException file && file.getReason() == null) {
      String reason =
          failure instanceof NoSuchFileException
              ? "no such file or folder"
              : failure instanceof AccessDeniedException
                  ? "access denied"
                  : failure instanceof FileAlreadyExistsException
                      ? "already there"
                      : failure.getClass().getSimpleName();
      return file.getFile() + ": " + reason;
    }
    if (isLostPage(failure)) {
      return "a file was cut short, or could not be read, while it was in use: " + failure;
    }
    String message = failure.getMessage();
    return message == null || message.isBlank() ? failure.toString() : oneLine(message);
  }

  private static String oneLine(String message) {
    return message.strip().replaceAll("\\s*\\R\\s*", "; ");
  }

  private Path log(String trace) throws IOException {
    Files.createDirectories(logFolder);
    Path file = Files.createTempFile(logFolder, "tpdiff-error-", ".log");
    return Files.writeString(file, trace, UTF_8);
  }
}
