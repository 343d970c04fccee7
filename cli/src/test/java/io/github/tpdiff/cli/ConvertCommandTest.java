package io.github.tpdiff.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.tpdiff.weights.Folders;
import io.github.tpdiff.weights.MemoryTensors;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.checkpoint.Checkpoint;
import io.github.tpdiff.weights.safetensors.SafetensorsWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ConvertCommandTest {
  @TempDir private Path folder;

  @Test
  void convertedThereAndBack_isTheSameInEveryBit() throws IOException {
    Path model = folder.resolve("model");
    assertThat(Invocation.of("new-checkpoint", "wan-tiny", model).exitCode()).isZero();
    Path original = folder.resolve("original");
    var there = Invocation.of("convert", model, original, "--to", "original");
    assertThat(there.exitCode()).as(there.err()).isZero();
    assertThat(there.err())
        .contains("the folder lacks a place for the configuration of the wan vae", "latents_mean")
        .hasLineCount(1);
    try (TensorSource transformer = Checkpoint.open(original)) {
      assertThat(transformer.names()).contains("blocks.0.self_attn.q.weight", "head.modulation");
    }
    assertThat(original.resolve("Wan2.1_VAE.safetensors")).exists();

    Path back = folder.resolve("back");
    var run = Invocation.of("convert", original, back, "--to", "diffusers");
    assertThat(run.exitCode()).as(run.err()).isZero();
    for (String part : List.of("transformer", "vae", "text_encoder")) {
      try (TensorSource before = Checkpoint.open(model.resolve(part));
          TensorSource after = Checkpoint.open(back.resolve(part))) {
        assertThat(after.names()).containsExactlyInAnyOrderElementsOf(before.names());
        for (String name : before.names()) {
          assertThat(after.require(name)).isEqualTo(before.require(name));
          assertThat(after.bytes(name)).isEqualTo(before.bytes(name));
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"wan-tiny", "animatediff-tiny"})
  void aConvertedFolder_hasWhatOpensIt(String template) throws IOException {
    Path model = folder.resolve("model");
    assertThat(Invocation.of("new-checkpoint", template, model).exitCode()).isZero();
    Path same = folder.resolve("same");
    var run = Invocation.of("convert", model, same, "--to", "diffusers", "--dtype", "f32");
    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(run.err()).isEmpty();
    try (Stream<Path> files = Files.walk(model)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        Path copy = same.resolve(model.relativize(file));
        assertThat(copy).exists();
        if (file.toString().endsWith(".json")) {
          var json = new ObjectMapper();
          assertThat(json.readTree(copy.toFile())).isEqualTo(json.readTree(file.toFile()));
        }
      }
    }
    assertThat(Invocation.of("inspect", same).exitCode()).isZero();
  }

  @Test
  void anOriginalFolder_getsItsConfigurationAndGivesItBack() throws IOException {
    Path model = folder.resolve("model");
    Invocation.of("new-checkpoint", "wan-tiny", model);
    Path original = folder.resolve("original");
    Invocation.of("convert", model, original, "--to", "original");
    var json = new ObjectMapper();
    var config = json.readTree(original.resolve("config.json").toFile());
    assertThat(config.path("_class_name").asText()).isEqualTo("WanModel");
    assertThat(config.path("num_heads").asInt()).isEqualTo(4);
    assertThat(original.resolve("google/umt5-xxl/tokenizer.json")).exists();

    Path back = folder.resolve("back");
    Invocation.of("convert", original, back, "--to", "diffusers");
    for (String file : List.of("transformer/config.json", "model_index.json")) {
      assertThat(json.readTree(back.resolve(file).toFile()))
          .isEqualTo(json.readTree(model.resolve(file).toFile()));
    }
    assertThat(back.resolve("tokenizer/tokenizer.json")).exists();
    assertThat(back.resolve("scheduler/scheduler_config.json")).exists();
  }

  @Test
  void whatTheOriginalLayoutHasNoPlaceFor_isSaid() {
    Path model = folder.resolve("model");
    Invocation.of("new-checkpoint", "animatediff-tiny", model);
    var run = Invocation.of("convert", model, folder.resolve("original"), "--to", "original");
    assertThat(run.exitCode()).isZero();
    assertThat(run.err().lines())
        .anyMatch(line -> line.contains("sd unet") && line.contains("attention_head_dim"))
        .anyMatch(line -> line.contains("[num_attention_heads] of the clip text encoder"))
        .allMatch(line -> line.startsWith("tpdiff: caution: the folder lacks a place for "));
  }

  @Test
  void whatNoTensorTells_isSaidToBeMissing() throws IOException {
    Path model = folder.resolve("model");
    Invocation.of("new-checkpoint", "wan-tiny", model);
    Path original = folder.resolve("original");
    Invocation.of("convert", model, original, "--to", "original");
    Files.delete(original.resolve("config.json"));
    Files.delete(original.resolve("Wan2.1_VAE.safetensors"));
    Folders.delete(original.resolve("google"));
    Path target = folder.resolve("target");
    var run = Invocation.of("convert", original, target, "--to", "diffusers");
    assertThat(run.exitCode()).isZero();
    assertThat(run.err().lines())
        .anyMatch(
            line ->
                line.contains("config.json of the wan transformer: ")
                    && line.contains("num_attention_heads: expected the number of heads"))
        .anyMatch(line -> line.contains("the folder lacks vae"))
        .anyMatch(line -> line.contains("tokenizer: not beside what was converted"))
        .hasSize(3);
    assertThat(target.resolve("transformer/config.json")).doesNotExist();
    assertThat(target.resolve("text_encoder/config.json")).exists();
  }

  @Test
  void inspect_saysWhatEachFileOfAFolderHolds() {
    Path model = folder.resolve("model");
    Invocation.of("new-checkpoint", "wan-tiny", model);
    Path original = folder.resolve("original");
    Invocation.of("convert", model, original, "--to", "original", "--dtype", "bf16");
    var run = Invocation.of("inspect", original.resolve("Wan2.1_VAE.safetensors"), "--json");
    assertThat(run.exitCode()).as(run.out()).isZero();
    assertThat(run.out().replaceAll("\\s", ""))
        .contains("\"wanvae\":{\"layout\":\"original\"", "\"dtypes\":{\"BF16\":");
  }

  @Test
  void storingInASmallerType_reportsTheError() {
    Path source = folder.resolve("source.safetensors");
    SafetensorsWriter.write(
        source,
        MemoryTensors.builder()
            .addFloats("head.head.weight", List.of(1L, 3L), 1, 1 + 1 / 1024f + 1 / 4096f, 60000)
            .addFloats("head.head.bias", List.of(1L), 2)
            .addLongs("blocks.0.modulation", List.of(1L), 3)
            .build());
    Path target = folder.resolve("target.safetensors");
    var run = Invocation.of("convert", source, target, "--to", "diffusers", "--dtype", "f16");
    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(run.out()).contains("at most 0.000244");
    assertThat(run.err()).contains("the source lacks");
    try (TensorSource written = Checkpoint.open(target)) {
      assertThat(written.floats("proj_out.weight")[2]).isEqualTo(60000);
      assertThat(written.require("blocks.0.scale_shift_table").dtype().name()).isEqualTo("I64");
    }
  }

  @ParameterizedTest
  @CsvSource({
    "70000, f16, 'expected values that fit F16, found 70000.0; store it as BF16 or F32'",
    "500, f8_e4m3, 'expected values that fit F8_E4M3, found 500.0; store it as BF16 or F32'",
    "NaN, , 'expected finite numbers, found NaN'",
    "-Infinity, , 'expected finite numbers, found -Infinity'",
    "NaN, f16, 'expected finite numbers, found NaN'",
    "Infinity, bf16, 'expected finite numbers, found Infinity'",
  })
  void aNumberThatNoWeightShouldBe_isRefusedByTensorAndNothingIsWritten(
      float number, @Nullable String dtype, String message) {
    Path source = folder.resolve("source.safetensors");
    SafetensorsWriter.write(
        source,
        MemoryTensors.builder()
            .addFloats("head.head.bias", List.of(1L), 2)
            .addFloats("head.head.weight", List.of(1L, 3L), 1, number, 3)
            .build());
    Path target = folder.resolve("new").resolve("target.safetensors");
    List<Object> words = new ArrayList<>(List.of("convert", source, target, "--to", "diffusers"));
    if (dtype != null) {
      words.addAll(List.of("--dtype", dtype));
    }
    var run = Invocation.of(words.toArray());
    assertThat(run.exitCode()).isEqualTo(2);
    assertThat(run.err())
        .startsWith("tpdiff: " + source + ": tensor '")
        .contains(".weight': ", message)
        .hasLineCount(1);
    assertThat(folder.resolve("new")).doesNotExist();
  }

  @Test
  void shards_areWrittenWithAnIndexThatOpens() throws IOException {
    Path model = folder.resolve("model");
    Invocation.of("new-checkpoint", "wan-tiny", model, "--components", "transformer");
    Path target = folder.resolve("sharded");
    var run =
        Invocation.of(
            "convert",
            model.resolve("transformer"),
            target,
            "--to",
            "original",
            "--max-shard-bytes",
            "200000");
    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(run.out()).contains("diffusion_pytorch_model.safetensors.index.json");
    try (Stream<Path> files = Files.list(target)) {
      assertThat(files.filter(file -> file.toString().endsWith(".safetensors")).count())
          .isGreaterThan(1);
    }
    try (TensorSource before = Checkpoint.open(model.resolve("transformer"));
        TensorSource after = Checkpoint.open(target)) {
      assertThat(after.names()).hasSameSizeAs(before.names());
      assertThat(after.bytes("blocks.0.ffn.0.weight"))
          .isEqualTo(before.bytes("blocks.0.ffn.net.0.proj.weight"));
    }
  }

  @Test
  void tensorsOfNoKnownNetwork_areRefusedByName() {
    Path source = folder.resolve("source.safetensors");
    SafetensorsWriter.write(
        source, MemoryTensors.builder().addFloats("foo.weight", List.of(1L), 1).build());
    var run = Invocation.of("convert", source, folder.resolve("out"), "--to", "diffusers");
    assertThat(run.exitCode()).isEqualTo(2);
    assertThat(run.err()).contains("expected tensors of a known network").contains("foo.weight");
    assertThat(folder.resolve("out")).doesNotExist();
  }

  @Test
  void severalNetworksInOneFile_areRefusedWhereTheLayoutHasSeveralFiles() {
    Path model = folder.resolve("model");
    Invocation.of("new-checkpoint", "wan-tiny", model);
    var run =
        Invocation.of("convert", model, folder.resolve("one.safetensors"), "--to", "original");
    assertThat(run.exitCode()).isEqualTo(2);
    assertThat(run.err()).contains("expected a folder");
  }
}
