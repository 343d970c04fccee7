package io.github.tpdiff.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.tpdiff.cli.ExitCode;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

/** The command on cases that the modules' own tests keep. */
class ConformanceCommandTest {
  private static final Path HOUSE = Path.of("..").toAbsolutePath().normalize();

  private final StringWriter printed = new StringWriter();

  @ParameterizedTest
  @ValueSource(
      strings = {
        "runtime/core/src/test/resources/goldens/wan",
        "runtime/core/src/test/resources/goldens/numerics",
        "lora/src/test/resources/goldens/numerics",
        "runtime/core/src/test/resources/goldens/animatediff",
        "adapters/src/test/resources/goldens/animatediff/text-encoder",
        "adapters/src/test/resources/goldens/animatediff/vae",
        "adapters/src/test/resources/goldens/wan/pipeline",
        "adapters/src/test/resources/goldens/wan/vae",
        "adapters/src/test/resources/goldens/wan/text-encoder",
        "adapters/src/test/resources/goldens/wan/rope-positions",
        "adapters/src/test/resources/goldens/wan/transformer-i2v-original",
        "adapters/src/test/resources/goldens/wan22",
        "adapters/src/test/resources/goldens/miniflux",
        // Made with diffusers' WanTransformer3DModel, PEFT and torch's AdamW: 36 channels and a
        // picture's tokens; a time of each token, with the loss over the frames after a given one.
        "conformance/src/test/resources/goldens/wan/lora-train-i2v",
        "conformance/src/test/resources/goldens/wan/lora-train-given-frame",
        "conformance/src/test/resources/goldens/wan/lora-train",
        // Changes in full beside products, as diffusers loads them and as they are added in fp64.
        "conformance/src/test/resources/goldens/wan/lora-distilled",
        "conformance/src/test/resources/goldens/wan-i2v"
      })
  void publishedCases_passAtTheirTolerance(String folder) {
    assertThat(run(HOUSE.resolve(folder))).as(printed.toString()).isEqualTo(ExitCode.DONE);
    assertThat(printed.toString()).contains("ok ").contains(" 0 failed").doesNotContain("FAIL");
  }

  @Test
  void aChangedReferenceValue_failsBothEngines(@TempDir Path folder) throws IOException {
    copyTree(
        HOUSE.resolve("adapters/src/test/resources/goldens/wan/transformer-i2v-original"), folder);
    Path values = folder.resolve("io.safetensors");
    byte[] bytes = Files.readAllBytes(values);
    bytes[bytes.length - 1] ^= 0x40; // the exponent of the last value
    Files.write(values, bytes);
    assertThat(run(folder)).isEqualTo(ExitCode.CHECK_FAILED);
    assertThat(printed.toString())
        .contains(" torch ")
        .contains(" onnx ")
        .contains("is over the tolerance")
        .contains("2 failed");
  }

  @Test
  void aDamagedCheckpoint_isALineAndNoCrash(@TempDir Path folder) throws IOException {
    copyTree(
        HOUSE.resolve("adapters/src/test/resources/goldens/wan/transformer-i2v-original"), folder);
    Path weights = folder.resolve("diffusion_pytorch_model.safetensors");
    Files.write(weights, java.util.Arrays.copyOf(Files.readAllBytes(weights), 1000));
    assertThat(run(folder)).isEqualTo(ExitCode.CHECK_FAILED);
    assertThat(printed.toString()).contains("FAIL").contains(weights.getFileName().toString());
  }

  @Test
  void anUnknownKind_fails(@TempDir Path folder) throws IOException {
    Files.writeString(
        folder.resolve("case.json"),
        "{\"family\": \"wan\", \"case\": \"x\", \"kind\": \"dance\", \"tolerance\": {\"fp32\": 0}}");
    assertThat(run(folder)).isEqualTo(ExitCode.CHECK_FAILED);
    assertThat(printed.toString()).contains("kind dance of family wan is not supported");
  }

  @Test
  void aFolderWithoutCases_isWrongInput(@TempDir Path folder) {
    assertThat(run(folder)).isNotEqualTo(ExitCode.DONE);
  }

  private int run(Path folder) {
    var command = new CommandLine(new ConformanceCommand());
    command.setCaseInsensitiveEnumValuesAllowed(true);
    command.setOut(new PrintWriter(printed, true));
    command.setErr(new PrintWriter(printed, true));
    return command.execute(folder.toString());
  }

  private static void copyTree(Path from, Path to) throws IOException {
    try (Stream<Path> paths = Files.walk(from)) {
      for (Path path : paths.toList()) {
        Path target = to.resolve(from.relativize(path).toString());
        if (Files.isDirectory(path)) {
          Files.createDirectories(target);
        } else {
          Files.copy(path, target);
        }
      }
    }
  }
}
