package io.github.tpdiff.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.tpdiff.cli.ExitCode;
import io.github.tpdiff.weights.MemoryTensors;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.safetensors.SafetensorsFile;
import io.github.tpdiff.weights.safetensors.SafetensorsWriter;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

/** What a case says is used, or told: published cases with something changed. */
class CaseArgumentsTest {
  private static final Path HOUSE = Path.of("..").toAbsolutePath().normalize();
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String SCHEDULERS = "runtime/core/src/test/resources/goldens/animatediff/";
  private static final String ADAPTERS = "adapters/src/test/resources/goldens/";

  private static final String PICTURES =
      "conformance/src/test/resources/goldens/wan-i2v/image-preprocess";

  @TempDir private Path folder;
  private final StringWriter printed = new StringWriter();

  @ParameterizedTest
  @CsvSource({
    "lora/src/test/resources/goldens/numerics/adamw, /args/runs/0, weight_deca,"
        + " args.runs[0].weight_deca, weight_decay",
    "runtime/core/src/test/resources/goldens/wan/scheduler-unipc, /args, functoin,"
        + " args.functoin, function",
    "conformance/src/test/resources/goldens/wan/lora-train, /args/optimizer, epsilon,"
        + " args.optimizer.epsilon, eps",
    ADAPTERS + "wan/vae-original, /args/config, dims, args.config.dims, dim",
    ADAPTERS + "wan/text-encoder, /tolerance, fp23, tolerance.fp23, fp32",
    PICTURES + ", /tolerance, level_mean, tolerance.level_mean, levels_mean",
    PICTURES + ", /args/runs/0, heigth, args.runs[0].heigth, height",
    ADAPTERS + "wan/text-encoder, '', famly, famly, family",
    ADAPTERS + "wan/pipeline, /args, heigth, args.heigth, height"
  })
  void aValueThatNobodyReads_failsWithItsNameAndTheNearest(
      String golden, String group, String field, String told, String nearest) throws IOException {
    copy(golden);
    edit(description -> ((ObjectNode) description.at(group)).put(field, 3));
    assertThat(run()).isEqualTo(ExitCode.CHECK_FAILED);
    assertThat(printed.toString())
        .contains("case.json: " + told + ": is not known to this kind of case")
        .contains("the nearest known is " + nearest);
  }

  @Test
  void anInputThatNobodyReads_fails() throws IOException {
    copy(ADAPTERS + "wan/text-encoder");
    rewrite(name -> true, tensors -> tensors.addFloats("in.input_id", List.of(1L), 1));
    assertThat(run()).isEqualTo(ExitCode.CHECK_FAILED);
    assertThat(printed.toString())
        .contains("in.input_id: is not known to this kind of case")
        .contains("the nearest known is in.input_ids");
  }

  @Test
  void aTextWhereANumberBelongs_fails() throws IOException {
    copy(ADAPTERS + "wan/pipeline");
    edit(description -> args(description).put("height", "32"));
    assertThat(run()).isEqualTo(ExitCode.CHECK_FAILED);
    assertThat(printed.toString())
        .contains("case.json: args.height: expected an integer, found \"32\"");
  }

  @Test
  void everySampleOfABatch_isMixedAtItsOwnTimestep() throws IOException {
    copy(SCHEDULERS + "scheduler-ddim-original");
    long[] timesteps = {17, 803};
    int half = 240;
    rewrite(
        name -> name.contains("cumprod"),
        tensors -> {
          try (TensorSource old = io(HOUSE.resolve(SCHEDULERS + "scheduler-ddim-original"))) {
            float[] sample = twice(old.floats("in.sample"));
            float[] noise = twice(old.floats("in.noise"));
            var table = old.floats("out.alphas_cumprod");
            var noised = new float[2 * half];
            for (int i = 0; i < noised.length; i++) {
              double product = table[(int) timesteps[i / half]];
              noised[i] =
                  (float) (Math.sqrt(product) * sample[i] + Math.sqrt(1 - product) * noise[i]);
            }
            List<Long> shape = List.of(2L, 4L, 3L, 4L, 5L);
            tensors.addFloats("in.sample", shape, sample);
            tensors.addFloats("in.noise", shape, noise);
            tensors.addLongs("in.noise_timesteps", List.of(2L), timesteps);
            tensors.addFloats("out.noised", shape, noised);
          }
        });
    edit(description -> args(description).putArray("steps"));
    assertThat(run()).as(printed.toString()).isEqualTo(ExitCode.DONE);
  }

  @Test
  void anAutoencoderWithoutAConfiguration_isScaledAsTheCaseSays() throws IOException {
    copy(ADAPTERS + "wan/vae-original");
    edit(
        description -> {
          ObjectNode args = args(description);
          args.set("latents_mean", JSON.valueToTree(java.util.Collections.nCopies(16, 0.25)));
          args.set("latents_std", JSON.valueToTree(java.util.Collections.nCopies(16, 2.0)));
        });
    rewrite(
        name -> !name.endsWith("latent_normalized") && !name.endsWith("decoded"),
        tensors -> {
          try (TensorSource old = io(HOUSE.resolve(ADAPTERS + "wan/vae-original"))) {
            for (String name : old.names()) {
              if (name.endsWith("latent_mode")) {
                float[] scaled = old.floats(name);
                for (int i = 0; i < scaled.length; i++) {
                  scaled[i] = (scaled[i] - 0.25f) / 2;
                }
                tensors.addFloats(
                    name.replace("mode", "normalized"), old.require(name).shape(), scaled);
              }
            }
          }
        });
    assertThat(run()).as(printed.toString()).isEqualTo(ExitCode.CHECK_FAILED);
    // What the latents decode to is not known without the reference, so it is left out.
    assertThat(printed.toString()).doesNotContain("latent_normalized").contains("decoded");
  }

  @Test
  void headsOfTheAuthorsMotionModules_areThoseThatTheCaseNames() throws IOException {
    copy(ADAPTERS + "animatediff/motion-module-original");
    edit(
        description -> {
          args(description).putArray("files").add("mm_module_prefix.ckpt");
          args(description).withObject("/original").put("num_attention_heads", 4);
          args(description)
              .withObject("/motion_adapter_config")
              .put("motion_num_attention_heads", 4);
        });
    assertThat(run()).isEqualTo(ExitCode.CHECK_FAILED);
    assertThat(printed.toString()).contains("is over the tolerance");
  }

  @Test
  void aConfigurationThatTheCheckpointDoesNotGive_fails() throws IOException {
    copy(ADAPTERS + "wan/transformer-i2v-original");
    edit(description -> args(description).withObject("/diffusers_config").put("num_layers", 3));
    assertThat(run()).isEqualTo(ExitCode.CHECK_FAILED);
    assertThat(printed.toString())
        .contains("args.diffusers_config.num_layers: expected 3, the checkpoint gives 2");
  }

  /** A level of a picture is 1/127.5 of a frame's values; one is allowed, and 0.02 on average. */
  @ParameterizedTest
  @CsvSource({"1, 1, 0", "1, 2, 1", "8, 1, 1"})
  void pictures_mayBeALevelApart_butNotOftenAndNotMore(int values, int levels, int exitCode)
      throws IOException {
    copy(PICTURES);
    String changed = "out.stretched_down.output";
    rewrite(
        name -> !name.equals(changed),
        tensors -> {
          try (TensorSource old = io(HOUSE.resolve(PICTURES))) {
            float[] shifted = old.floats(changed);
            for (int i = 0; i < values; i++) {
              shifted[40 * i] += levels / 127.5f;
            }
            tensors.addFloats(changed, old.require(changed).shape(), shifted);
          }
        });
    assertThat(run()).as(printed.toString()).isEqualTo(exitCode);
  }

  @Test
  void weightsOfAnotherType_fail() throws IOException {
    copy(ADAPTERS + "wan/text-encoder");
    edit(description -> args(description).put("weight_dtype", "bf16"));
    assertThat(run()).isEqualTo(ExitCode.CHECK_FAILED);
    assertThat(printed.toString()).contains("expected tensors of type BF16, found [F32]");
  }

  @Test
  void positionsFollowFromStrides_byRunOrInTheirOrder() throws IOException {
    copy(ADAPTERS + "wan/rope-positions");
    rewrite(name -> !name.endsWith("temporal_positions"), tensors -> {});
    assertThat(run()).as(printed.toString()).isEqualTo(ExitCode.DONE);
    edit(description -> args(description).set("strides", JSON.valueToTree(List.of(1, 2, 4))));
    assertThat(run()).as(printed.toString()).isEqualTo(ExitCode.DONE);
    edit(description -> args(description).set("strides", JSON.valueToTree(List.of(1, 4, 2))));
    assertThat(run()).isEqualTo(ExitCode.CHECK_FAILED);
    assertThat(printed.toString()).contains("is over the tolerance");
  }

  @Test
  void filesOfEitherFate_mayBeReadOrRefused_butAreReadToTheirValues() throws IOException {
    files("either", 1, 1);
    assertThat(run()).as(printed.toString()).isEqualTo(ExitCode.DONE);
    files("either", 1, 2);
    assertThat(run()).isEqualTo(ExitCode.CHECK_FAILED);
    assertThat(printed.toString()).contains("out.0000").contains("is over the tolerance");
  }

  @Test
  void aFateThatIsNotKnown_fails() throws IOException {
    files("maybe", 1, 1);
    assertThat(run()).isEqualTo(ExitCode.CHECK_FAILED);
    assertThat(printed.toString()).contains("expected accept, reject or either, found 'maybe'");
  }

  /** A whole file, the same cut short, and what they hold. */
  private void files(String expected, float stored, float reference) throws IOException {
    var tensors = MemoryTensors.builder().addFloats("w", List.of(1L), stored).build();
    SafetensorsWriter.write(folder.resolve("whole.safetensors"), tensors);
    byte[] bytes = Files.readAllBytes(folder.resolve("whole.safetensors"));
    Files.write(folder.resolve("cut.safetensors"), Arrays.copyOf(bytes, bytes.length - 1));
    SafetensorsWriter.write(
        folder.resolve("io.safetensors"),
        MemoryTensors.builder().addFloats("out.0000", List.of(1L), reference).build());
    Files.writeString(
        folder.resolve("manifest.json"),
        """
        {"files": [
          {"file": "whole.safetensors", "expected": "%s", "why": "w", "reference": "accept",
           "tensors": [{"name": "w", "dtype": "F32", "shape": [1], "expected": "out.0000"}]},
          {"file": "cut.safetensors", "expected": "%s", "why": "w", "policy": true}]}
        """
            .formatted(expected, expected));
    Files.writeString(
        folder.resolve("case.json"),
        """
        {"family": "files", "case": "x", "kind": "files", "tolerance": {"fp32": 0},
         "args": {"manifest": "manifest.json", "count": 2}}
        """);
  }

  private int run() {
    printed.getBuffer().setLength(0);
    var command = new CommandLine(new ConformanceCommand());
    command.setCaseInsensitiveEnumValuesAllowed(true);
    command.setOut(new PrintWriter(printed, true));
    command.setErr(new PrintWriter(printed, true));
    return command.execute(folder.toString(), "--engine", "torch");
  }

  private void copy(String golden) throws IOException {
    Path from = HOUSE.resolve(golden);
    try (Stream<Path> paths = Files.walk(from)) {
      for (Path path : paths.toList()) {
        Path target = folder.resolve(from.relativize(path).toString());
        if (Files.isDirectory(path)) {
          Files.createDirectories(target);
        } else {
          Files.copy(path, target);
        }
      }
    }
  }

  private static ObjectNode args(JsonNode description) {
    return (ObjectNode) description.path("args");
  }

  private void edit(Consumer<JsonNode> change) throws IOException {
    Path file = folder.resolve("case.json");
    JsonNode description = JSON.readTree(file.toFile());
    change.accept(description);
    JSON.writeValue(file.toFile(), description);
  }

  private static TensorSource io(Path golden) {
    return SafetensorsFile.open(golden.resolve("io.safetensors"));
  }

  /** The tensors that {@code kept} names, and more. */
  private void rewrite(Predicate<String> kept, Consumer<MemoryTensors.Builder> more) {
    var tensors = MemoryTensors.builder();
    try (TensorSource old = io(folder)) {
      old.names().stream()
          .filter(kept)
          .forEach(name -> tensors.add(old.require(name), old.bytes(name)));
      more.accept(tensors);
      SafetensorsWriter.write(folder.resolve("new"), tensors.build());
    }
    try {
      Files.move(
          folder.resolve("new"),
          folder.resolve("io.safetensors"),
          java.nio.file.StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException failure) {
      throw new java.io.UncheckedIOException(failure);
    }
  }

  private static float[] twice(float[] values) {
    float[] both = Arrays.copyOf(values, 2 * values.length);
    System.arraycopy(values, 0, both, values.length, values.length);
    return both;
  }
}
