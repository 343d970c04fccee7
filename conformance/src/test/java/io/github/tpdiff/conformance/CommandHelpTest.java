package io.github.tpdiff.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import io.github.tpdiff.cli.Tpdiff;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import picocli.CommandLine;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParseResult;

/** What {@code --help} says, of every command. */
final class CommandHelpTest {
  private static final Pattern WORD = Pattern.compile("\"([^\"]*)\"|(\\S+)");

  /** Every command without commands of its own. */
  private static Stream<CommandLine> commands() {
    return leaves(Tpdiff.commandLine());
  }

  private static Stream<CommandLine> leaves(CommandLine command) {
    return command.getSubcommands().isEmpty()
        ? Stream.of(command)
        : command.getSubcommands().values().stream().flatMap(CommandHelpTest::leaves);
  }

  private static Stream<DynamicTest> ofEach(java.util.function.Consumer<CommandLine> claim) {
    return commands()
        .map(
            command ->
                DynamicTest.dynamicTest(
                    command.getCommandSpec().qualifiedName(), () -> claim.accept(command)));
  }

  /** The words of a command line as a shell has them, {@code tpdiff} left out. */
  static String[] words(String line) {
    return WORD.matcher(line)
        .results()
        .map(word -> word.group(1) == null ? word.group(2) : word.group(1))
        .skip(1)
        .toArray(String[]::new);
  }

  /** The command that a line calls; throws if it is not called so. */
  static String called(String line) {
    ParseResult parsed = Tpdiff.commandLine().parseArgs(words(line));
    while (parsed.hasSubcommand()) {
      parsed = parsed.subcommand();
    }
    return parsed.commandSpec().qualifiedName();
  }

  @TestFactory
  Stream<DynamicTest> everyCommand_hasExamplesThatCallIt() {
    return ofEach(
        command -> {
          List<String> examples =
              Stream.of(command.getCommandSpec().usageMessage().footer())
                  .map(String::strip)
                  .filter(line -> !line.isEmpty())
                  .toList();
          assertThat(examples).isNotEmpty();
          for (String example : examples) {
            String line = example.replaceFirst("^source <\\((.*)\\)$", "$1");
            assertThat(line).startsWith("tpdiff ");
            assertThatCode(
                    () ->
                        assertThat(called(line))
                            .isEqualTo(command.getCommandSpec().qualifiedName()))
                .as(line)
                .doesNotThrowAnyException();
          }
          assertThat(command.getUsageMessage()).contains("Examples:").contains(examples);
        });
  }

  @TestFactory
  Stream<DynamicTest> everyOptionWithAValue_saysItsDefault() {
    return ofEach(
        command -> {
          var silent = new ArrayList<String>();
          for (OptionSpec option : command.getCommandSpec().options()) {
            if (!option.required()
                && option.arity().max() > 0
                && !text(option).toLowerCase(java.util.Locale.ROOT).contains("default")) {
              silent.add(option.longestName());
            }
          }
          assertThat(silent).isEmpty();
        });
  }

  @TestFactory
  Stream<DynamicTest> everyOptionAndParameter_saysWhatItIs() {
    return ofEach(
        command -> {
          assertThat(command.getCommandSpec().usageMessage().description()).isNotEmpty();
          command.getCommandSpec().args().forEach(arg -> assertThat(text(arg)).isNotBlank());
        });
  }

  private static String text(ArgSpec arg) {
    return String.join(" ", arg.description());
  }
}
