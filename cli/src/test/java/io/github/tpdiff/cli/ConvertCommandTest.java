package io.github.tpdiff.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.tpdiff.weights.MemoryTensors;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.checkpoint.Checkpoint;
import io.github.tpdiff.weights.safetensors.SafetensorsWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConvertCommandTest {
  @TempDir private Path folder;

  @Test
  void convertedThereAndBack_isTheSameInEveryBit() throws IOException {
    Path model = folder.resolve("model");
    assertThat(Invocation.of("new-checkpoint", "wan-tiny", model).exitCode()).isZero();
    Path original = folder.resolve("original");
    var there = Invocation.of("convert", model, original, "--to", "original");
    assertThat(there.exitCode()).as(there.err()).isZero();
    assertThat(there.err()).isEmpty();
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
  void storingInASmallerType_reportsTheErrorAndWhatDidNotFit() {
    Path source = folder.resolve("source.safetensors");
    SafetensorsWriter.write(
        source,
        MemoryTensors.builder()
            .addFloats("head.head.weight", List.of(1L, 3L), 1, 1 + 1 / 1024f + 1 / 4096f, 70000)
            .addFloats("head.head.bias", List.of(1L), 2)
            .addLongs("blocks.0.modulation", List.of(1L), 3)
            .build());
    Path target = folder.resolve("target.safetensors");
    var run = Invocation.of("convert", source, target, "--to", "diffusers", "--dtype", "f16");
    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(run.out()).contains("at most 0.000244", "1 numbers too large for the type");
    assertThat(run.err()).contains("the source lacks");
    try (TensorSource written = Checkpoint.open(target)) {
      assertThat(written.floats("proj_out.weight")[2]).isInfinite();
      assertThat(written.require("blocks.0.scale_shift_table").dtype().name()).isEqualTo("I64");
    }
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
