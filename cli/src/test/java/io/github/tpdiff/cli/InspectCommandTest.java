package io.github.tpdiff.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.tpdiff.runtime.model.RecordJson;
import io.github.tpdiff.weights.MemoryTensors;
import io.github.tpdiff.weights.safetensors.SafetensorsWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What inspect says to people; {@link CheckpointCommandsTest} and others test what it finds. */
final class InspectCommandTest {
  @TempDir private Path folder;

  private Path checkpoint(String template) {
    Path model = folder.resolve(template);
    assertThat(Invocation.of("new-checkpoint", template, model).exitCode()).isZero();
    return model;
  }

  private static String inspect(Path path) {
    var run = Invocation.of("inspect", path);
    assertThat(run.exitCode()).as(run.err()).isZero();
    // Neither a record nor a map as Java prints them.
    assertThat(run.out()).doesNotContainPattern("[A-Za-z]+\\[[a-z]\\w*=|\\{\\w+=");
    return run.out();
  }

  @Test
  void wanCheckpoint_isSaidInTheUsersWords() {
    assertThat(inspect(checkpoint("wan-tiny")))
        .containsPattern("kind +checkpoint\n")
        .containsPattern("family +wan\n")
        .containsPattern("layout +diffusers\n")
        .containsPattern("video +\\d+x\\d+, \\d+ frames at \\d+ a second\n")
        .containsPattern("sampling +\\d+ steps, guidance [0-9.]+, \\w+Scheduler\n")
        .containsPattern(
            "latents +\\d+ channels, each for 8x8 pixels of 4 frames, the first alone;")
        .containsPattern("text encoder\n +file .*\n")
        .containsPattern("transformer\n +file .*\n")
        .containsPattern("vae\n +file .*\n")
        .doesNotContain("conditioning")
        .containsPattern("dtypes +BF16\n")
        .containsPattern("parameters +[0-9,]+\n")
        .containsPattern("bytes +[0-9.]+ kB\n")
        .containsPattern("use +tpdiff generate, tpdiff export, tpdiff train, tpdiff convert\n");
  }

  @ParameterizedTest
  @CsvSource({
    "wan-tiny, Wan 2.1 T2V, ''",
    "wan-i2v-tiny, Wan 2.1 I2V, ' --picture FILE'",
    "wan22-5b-tiny, Wan 2.2 TI2V-5B, ''",
    "wan22-a14b-tiny, Wan 2.2 T2V-A14B, ''"
  })
  void wanOfEachKind_isSaidWithTheCommandThatItTakes(String template, String model, String needed) {
    Path checkpoint = checkpoint(template);
    String said = inspect(checkpoint);
    assertThat(said)
        .containsPattern("model +" + model + "\n")
        .contains("tpdiff generate %s --prompt TEXT%s\n".formatted(checkpoint, needed));
    assertThat(said.contains("low_noise")).isEqualTo(model.endsWith("A14B"));
    assertThat(said.contains("pictures ")).isEqualTo(model.contains("I2V"));
  }

  @Test
  void animateDiffCheckpoint_isSaidInTheUsersWords() {
    assertThat(inspect(checkpoint("animatediff-tiny")))
        .containsPattern("family +animatediff\n")
        .containsPattern("latents +4 channels, each for 8x8 pixels of 1 frame; at most ")
        .contains("norm_convention");
  }

  @Test
  void checkpointWithoutDecoder_saysWhatIsLeftToDoWithIt() throws Exception {
    Path model = checkpoint("wan-tiny");
    io.github.tpdiff.weights.Folders.delete(model.resolve("vae"));
    assertThat(inspect(model))
        .containsPattern("absent +vae\n")
        .containsPattern("use +tpdiff convert\n");
  }

  @Test
  void wholeModelWithANumberThatIsNone_isRefusedByFileAndField() throws Exception {
    Path model = checkpoint("animatediff-tiny");
    Path config = model.resolve("unet/config.json");
    String fields = Files.readString(config);
    String hostile =
        fields.replaceFirst("\"layers_per_block\": *\\d+", "\"layers_per_block\": 1000000000");
    assertThat(hostile).isNotEqualTo(fields);
    Files.writeString(config, hostile);
    var run = Invocation.of("inspect", model);
    assertThat(run.exitCode()).isEqualTo(2);
    assertThat(run.err()).startsWith("tpdiff: " + config + ": layers_per_block: ").hasLineCount(1);
  }

  @Test
  void export_saysItsStages() {
    Path exported = folder.resolve("exported");
    Invocation.of("export", checkpoint("wan-tiny"), exported, "--stages", 3);
    assertThat(inspect(exported))
        .containsPattern("kind +export\n")
        .containsPattern("stages +3, each at 2, 2 times the frame rate of the one before")
        .containsPattern("use +tpdiff run\n");
  }

  @Test
  void exportAndLora_sayStagesOverSpace() throws IOException {
    Path exported = folder.resolve("exported");
    var run =
        Invocation.of(
            "export",
            checkpoint("wan-tiny"),
            exported,
            "--rates=2x2x2,1x2x2",
            "--targets=pixel",
            "--positions=scaled,native,native");
    assertThat(run.exitCode()).as(run.err()).isZero();
    String said =
        "3, each at [2, 2, 2], [1, 2, 2] times the frames, rows and columns of the one before, ";
    String how = "; targets pixel, positions [scaled, native, native]\n";
    assertThat(inspect(exported)).contains("stages", said, how);
    JsonNode stages =
        new ObjectMapper()
            .readTree(Invocation.of("inspect", exported, "--json").out())
            .path("stages");
    assertThat(stages.path("rates").toString()).isEqualTo("[[2,2,2],[1,2,2]]");
    assertThat(stages.path("targets").asText()).isEqualTo("pixel");

    Path lora = folder.resolve("lora.safetensors");
    Path plan = exported.resolve("scheduler").resolve(RecordJson.STAGES_FILE);
    SafetensorsWriter.write(
        lora,
        MemoryTensors.builder()
            .addFloats("transformer.blocks.0.attn1.to_q.lora_A.weight", List.of(1L, 2L), 1, 2)
            .addFloats("transformer.blocks.0.attn1.to_q.lora_B.weight", List.of(2L, 1L), 3, 5)
            .metadata(RecordJson.STAGES_HEADER, Files.readString(plan))
            .build());
    assertThat(inspect(lora)).containsPattern("trained for +" + Pattern.quote(said)).contains(how);
  }

  @ParameterizedTest
  @ValueSource(strings = {"diffusers", "peft", "comfyui", "kohya"})
  void loraOfEveryForm_isSaidInTheUsersWords(String form) {
    Path diffusers = folder.resolve("diffusers.safetensors");
    SafetensorsWriter.write(
        diffusers,
        MemoryTensors.builder()
            .addFloats("transformer.blocks.0.attn1.to_q.lora_A.weight", List.of(1L, 2L), 1, 2)
            .addFloats("transformer.blocks.0.attn1.to_q.lora_B.weight", List.of(2L, 1L), 3, 5)
            .build());
    Path lora = folder.resolve(form.equals("peft") ? form : form + "-form.safetensors");
    assertThat(Invocation.of("lora", "convert", diffusers, lora, "--format", form).exitCode())
        .isZero();
    String said = inspect(lora);
    assertThat(said)
        .containsPattern("kind +lora\n")
        .containsPattern("format +" + form + "\n")
        .containsPattern("component +transformer\n")
        .containsPattern("targets +attn1.to_q\n")
        .containsPattern("use +--lora of generate and export, tpdiff lora merge");
    assertThat(Invocation.of("lora", "info", lora).out()).isEqualTo(said);
  }

  @Test
  void sizes_areSaidInUnitsThatPeopleRead() {
    Path file = folder.resolve("large.safetensors");
    SafetensorsWriter.write(
        file,
        MemoryTensors.builder()
            .addFloats("a", List.of(1_500_000L), new float[1_500_000])
            .addLongs("b", List.of(1L), 3)
            .build());
    assertThat(inspect(file))
        .containsPattern("parameters +1.5 million \\(1,500,001\\)\n")
        .containsPattern("bytes +6.00 MB\n")
        .containsPattern("dtypes +F32 in 1 tensors, I64 in 1 tensors\n");
  }
}
