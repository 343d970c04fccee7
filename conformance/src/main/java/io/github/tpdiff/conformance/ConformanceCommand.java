package io.github.tpdiff.conformance;

import io.github.tpdiff.cli.ExitCode;
import io.github.tpdiff.cli.TerminalWriter;
import io.github.tpdiff.runtime.onnx.OnnxDevice;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code tpdiff conformance}: recomputes golden cases and compares them with their outputs. */
@Command(
    name = "conformance",
    description = "Runs every case folder in DIR and compares with its reference outputs.",
    footer = {
      "  tpdiff conformance goldens/wan",
      "  tpdiff conformance goldens --engine onnx --json"
    })
final class ConformanceCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(paramLabel = "DIR", description = "a case folder, or a folder of them at any depth")
  private Path folder;

  @Option(
      names = "--engine",
      paramLabel = "ENGINE",
      defaultValue = "all",
      description = "torch, onnx or all (default: all)")
  private EngineChoice engine;

  @Option(
      names = "--device",
      defaultValue = "cpu",
      description =
          "auto, cpu or cuda; references were computed on a CPU (default ${DEFAULT-VALUE}).")
  private OnnxDevice device = OnnxDevice.CPU;

  @Option(names = "--json", description = "print one JSON document")
  private boolean json;

  @Override
  public Integer call() throws IOException {
    if (!Files.isDirectory(folder)) {
      throw new IllegalArgumentException(folder + ": expected a folder of cases, found none");
    }
    List<Path> cases = CaseRunner.casesIn(folder);
    if (cases.isEmpty()) {
      throw new IllegalArgumentException(
          folder + ": expected folders with a case.json, found none");
    }
    PrintWriter out = spec.commandLine().getOut();
    List<CaseResult> results = new ArrayList<>();
    try (EngineSet engines = engine.open(device)) {
      var runner =
          new CaseRunner(
              engines,
              result -> {
                results.add(result);
                if (!json) {
                  result.text().lines().forEach(out::println);
                  out.flush();
                }
              });
      cases.forEach(runner::run);
    }
    long failed = results.stream().filter(result -> !result.passed()).count();
    if (json) {
      TerminalWriter.printJson(
          out,
          Map.of("failed", failed, "results", results.stream().map(CaseResult::json).toList()));
    } else {
      out.printf("%d cases, %d checks, %d failed%n", cases.size(), results.size(), failed);
      if (results.isEmpty()) {
        out.println("nothing was checked: these cases need gradients, which torch alone computes");
      }
    }
    out.flush();
    return failed == 0 && !results.isEmpty() ? ExitCode.DONE : ExitCode.CHECK_FAILED;
  }
}
