package io.github.tpdiff.cli.doctor;

import io.github.tpdiff.cli.ExitCode;
import io.github.tpdiff.runtime.onnx.OnnxDevice;
import io.github.tpdiff.runtime.onnx.OnnxEngine;
import io.github.tpdiff.runtime.torch.TorchEngine;
import java.io.PrintWriter;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code tpdiff doctor}: what is here, what is missing, what runs where and how fast. */
@Command(
    name = "doctor",
    description = {
      "Says what this machine has, what is missing, where each engine runs and how fast.",
      "Exit code 1 if something will not work."
    },
    footer = {"  tpdiff doctor", "  tpdiff doctor --no-speed"})
public final class DoctorCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(
      names = "--speed",
      negatable = true,
      defaultValue = "true",
      fallbackValue = "true",
      description = "Measures both engines, a few seconds each (default: ${DEFAULT-VALUE}).")
  private boolean speed = true;

  @Override
  public Integer call() {
    PrintWriter out = spec.commandLine().getOut();
    int faults = 0;
    for (Check check : checks(Surroundings.here())) {
      for (Finding finding : check.findings()) {
        out.println(finding.line());
        out.flush();
        faults += finding.isFault() ? 1 : 0;
      }
    }
    out.println(
        faults == 0
            ? "nothing is wrong; tpdiff plan MODEL says what a video takes here"
            : faults + (faults == 1 ? " fault" : " faults"));
    out.flush();
    return faults == 0 ? ExitCode.DONE : ExitCode.CHECK_FAILED;
  }

  private List<Check> checks(Surroundings machine) {
    return List.of(
        new PlatformCheck(machine),
        FolderCheck.here(),
        new CudaCheck(machine),
        new TorchFilesCheck(machine, TorchEngine.BOUND_VERSION),
        new EngineCheck("torch", TorchEngine::best, speed),
        new EngineCheck("onnx", () -> OnnxEngine.on(OnnxDevice.AUTO), speed),
        new VideoCheck());
  }

  /** The first line of what is wrong, with its cause where it says nothing. */
  static String reason(Throwable broken) {
    Throwable told = broken;
    while (told.getMessage() == null && told.getCause() != null) {
      told = told.getCause();
    }
    return String.valueOf(told.getMessage() == null ? told : told.getMessage())
        .lines()
        .findFirst()
        .orElse("");
  }
}
