package io.github.tpdiff.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.tpdiff.weights.MemoryTensors;
import io.github.tpdiff.weights.PrintableText;
import io.github.tpdiff.weights.safetensors.SafetensorsWriter;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;
import picocli.CommandLine.Command;

class TpdiffTest {
  @TempDir private Path folder;

  @Test
  void help_ofEveryCommand_isPrintedAndExitsWith0() {
    for (CommandLine command : Tpdiff.commandLine().getSubcommands().values()) {
      var help = Invocation.of(command.getCommandName(), "--help");
      assertThat(help.exitCode()).as(command.getCommandName()).isZero();
      assertThat(help.out()).contains("Usage: tpdiff " + command.getCommandName());
    }
  }

  @Test
  void noCommand_isWrongUsage() {
    var run = Invocation.of();
    assertThat(run.exitCode()).isEqualTo(2);
    assertThat(run.err()).contains("expected a command").contains("tpdiff --help");
  }

  @Test
  void misspeltOption_isWrongUsageAndNamesTheNearest() {
    var run = Invocation.of("inspect", "--jsn", "x");
    assertThat(run.exitCode()).isEqualTo(2);
    assertThat(run.err()).contains("--jsn").contains("did you mean --json");
  }

  @Test
  void misspeltCommand_isWrongUsageAndNamesTheNearest() {
    var run = Invocation.of("inspct");
    assertThat(run.exitCode()).isEqualTo(2);
    assertThat(run.err()).contains("inspct").contains("did you mean inspect");
  }

  @Test
  void completion_isAScriptThatKnowsTheCommands() {
    var run = Invocation.of("completion");
    assertThat(run.exitCode()).isZero();
    assertThat(run.out()).startsWith("#!/usr/bin/env bash").contains("inspect");
  }

  @Test
  void missingFile_isOneLineThatNamesItAndExitsWith2() {
    Path missing = folder.resolve("nothing.safetensors");
    var run = Invocation.of("inspect", missing);
    assertThat(run.exitCode()).isEqualTo(2);
    assertThat(run.err().lines()).hasSize(1);
    assertThat(run.err()).startsWith("tpdiff: " + missing);
  }

  @Test
  void internalError_exitsWith3AndNamesALogWithTheTrace() throws Exception {
    @Command(name = "fail")
    class Fail implements Callable<Integer> {
      @Override
      public Integer call() {
        throw new IllegalStateException("the unexpected");
      }
    }
    var command = new CommandLine(new Fail());
    var err = new StringWriter();
    command.setErr(new PrintWriter(err));
    command.setExecutionExceptionHandler(new ErrorLines(folder));
    assertThat(command.execute()).isEqualTo(3);
    assertThat(err.toString().lines()).hasSize(1);
    try (var logs = Files.list(folder)) {
      Path log = logs.findFirst().orElseThrow();
      assertThat(err.toString()).contains("the unexpected").contains(log.toString());
      assertThat(Files.readString(log)).contains("IllegalStateException", "TpdiffTest");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"\u001b[31mred", "two\nlines", "\u009b2J", "\u202etxt", "bell\u0007"})
  void controlCharactersInNames_neverReachTheTerminal(String name) throws Exception {
    Path file = folder.resolve(name + ".safetensors");
    SafetensorsWriter.write(
        file,
        MemoryTensors.builder()
            .addFloats("head.head.weight", List.of(1L), 1)
            .addFloats(name, List.of(1L), 1)
            .metadata(name, name)
            .build());
    List<Invocation> runs =
        List.of(
            Invocation.of("inspect", file),
            Invocation.of("inspect", file, "--json"),
            Invocation.of("inspect", folder.resolve(name)),
            Invocation.of("convert", file, folder.resolve("out" + name), "--to", "original"),
            Invocation.of("convert", file, folder.resolve("out"), "--to", name),
            Invocation.of("lora", "info", file),
            Invocation.of("generate", folder, "--prompt", name),
            Invocation.of("generate", folder.resolve(name), "--prompt", name),
            Invocation.of("run", folder.resolve(name), "--" + name),
            Invocation.of(name));
    for (Invocation run : runs) {
      assertThat((run.out() + run.err()).lines())
          .as(run.toString())
          .allMatch(line -> line.equals(PrintableText.of(line)));
    }
    assertThat(runs.get(2).err()).hasLineCount(1);
    assertThat(runs.get(0).out()).contains(PrintableText.of(name));
  }
}
