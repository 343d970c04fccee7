package io.github.tpdiff.cli;

import io.github.tpdiff.weights.IndentedJson;
import io.github.tpdiff.weights.PrintableText;
import java.io.PrintWriter;
import java.io.Writer;
import java.util.Arrays;
import java.util.Locale;

/**
 * Prints for a terminal: names, prompts and messages that files make up cannot move its cursor,
 * change its colours or begin a line.
 *
 * <p>What {@code println} gets is one line, and so is each argument of {@code printf}: {@link
 * PrintableText}. What {@code print} gets is text of the program's own, such as its help, and is
 * printed as it is.
 */
public final class TerminalWriter extends PrintWriter {

  TerminalWriter(Writer writer) {
    super(writer, true);
  }

  /** Prints a document as indented JSON, in which escapes mean what they stand for. */
  public static void printJson(PrintWriter out, Object document) {
    PrintableText.lines(IndentedJson.write(document)).lines().forEach(out::println);
  }

  @Override
  public void println(String line) {
    super.println(PrintableText.of(line));
  }

  @Override
  public void println(Object line) {
    println(String.valueOf(line));
  }

  @Override
  public PrintWriter format(String format, Object... arguments) {
    return super.format(format, printable(arguments));
  }

  @Override
  public PrintWriter format(Locale locale, String format, Object... arguments) {
    return super.format(locale, format, printable(arguments));
  }

  private static Object[] printable(Object... arguments) {
    return Arrays.stream(arguments)
        .map(argument -> isPlain(argument) ? argument : PrintableText.of(String.valueOf(argument)))
        .toArray();
  }

  private static boolean isPlain(Object argument) {
    return argument instanceof Number || argument instanceof Boolean;
  }
}
