package io.github.tpdiff.cli.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.tpdiff.cli.Tpdiff;
import io.github.tpdiff.runtime.torch.TorchEngine;
import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

/** The command on the machine that runs the tests, on which everything works. */
final class DoctorCommandTest {
  @Test
  void eachEngineIsNamed_andNothingIsWrong() {
    var out = new StringWriter();
    CommandLine command = Tpdiff.commandLine();
    command.setOut(new PrintWriter(out));
    assertThat(command.execute("doctor", "--no-speed")).as(out.toString()).isZero();
    assertThat(out.toString())
        .contains(
            "PyTorch " + TorchEngine.BOUND_VERSION, "ONNX Runtime ", "writes and reads an mp4")
        .doesNotContain("GFLOP/s", "FAULT");
    assertThat(TorchEngine.BOUND_VERSION).matches("\\d+\\.\\d+\\.\\d+");
  }
}
