package io.github.tpdiff.weights.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.MemoryTensors;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.safetensors.SafetensorsWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class ShardedCheckpointTest {
  @TempDir private Path folder;

  /**
   * Names of shards as tools write them.
   *
   * @param pattern of the shard's name, with its number
   * @param count of shards
   * @param index its name
   */
  private record Naming(String pattern, int count, String index) {
    Naming(String head, String tail, int count, String index) {
      this(head + "-%05d-of-" + "%05d".formatted(count) + tail, count, index);
    }

    String shard(int number) {
      return pattern.formatted(number);
    }
  }

  private static Stream<Naming> namings() {
    return Stream.of(
        new Naming(
            "diffusion_pytorch_model",
            ".safetensors",
            2,
            "diffusion_pytorch_model.safetensors.index.json"),
        new Naming(
            "diffusion_pytorch_model.fp16",
            ".safetensors",
            2,
            "diffusion_pytorch_model.safetensors.index.fp16.json"),
        new Naming(
            "diffusion_pytorch_model",
            ".fp16.safetensors",
            3,
            "diffusion_pytorch_model.safetensors.index.fp16.json"),
        new Naming("model.bf16", ".safetensors", 2, "model.safetensors.index.bf16.json"),
        new Naming("model", ".safetensors", 7, "model.safetensors.index.json"),
        new Naming("wan2.1_t2v", ".safetensors", 2, "wan2.1_t2v.safetensors.index.json"),
        new Naming("wan2.1", ".safetensors", 2, "wan2.1.safetensors.index.json"),
        new Naming("some-%d-of-3.safetensors", 3, "some.safetensors.index.json"));
  }

  @ParameterizedTest
  @MethodSource("namings")
  void shardsWithAnIndex_areOneCheckpoint(Naming naming) throws IOException {
    writeShards(naming);
    writeIndex(naming);
    assertWhole(naming, folder);
    assertWhole(naming, folder.resolve(naming.index()));
    assertWhole(naming, folder.resolve(naming.shard(naming.count())));
    assertThat(CheckpointFiles.in(folder)).containsExactly(folder.resolve(naming.index()));
  }

  @ParameterizedTest
  @MethodSource("namings")
  void shardsWithoutAnIndex_areJoined(Naming naming) {
    writeShards(naming);
    assertWhole(naming, folder);
    assertWhole(naming, folder.resolve(naming.shard(2)));
    assertThat(CheckpointFiles.in(folder)).containsExactly(folder.resolve(naming.shard(1)));
  }

  @ParameterizedTest
  @MethodSource("namings")
  void aMissingShard_isNamedWhateverIsOpened(Naming naming) throws IOException {
    writeShards(naming);
    for (int missing = 1; missing <= naming.count(); missing++) {
      Path file = folder.resolve(naming.shard(missing));
      byte[] content = Files.readAllBytes(file);
      Files.delete(file);
      Path other = folder.resolve(naming.shard(missing == 1 ? 2 : 1));
      for (Path opened : List.of(folder, other)) {
        assertThatThrownBy(() -> Checkpoint.open(opened))
            .isInstanceOf(CheckpointException.class)
            .hasMessage(
                other
                    + ": expected all %d shards of the checkpoint beside each other, found no %s"
                        .formatted(naming.count(), naming.shard(missing)));
      }
      Files.write(file, content);
    }
  }

  @ParameterizedTest
  @MethodSource("namings")
  void aMissingShardOfAnIndex_isNamedWhateverIsOpened(Naming naming) throws IOException {
    writeShards(naming);
    writeIndex(naming);
    Files.delete(folder.resolve(naming.shard(2)));
    for (Path opened : List.of(folder, folder.resolve(naming.shard(1)))) {
      assertThatThrownBy(() -> Checkpoint.open(opened))
          .hasMessage(
              folder.resolve(naming.index())
                  + ": expected the shard '%s' beside the index, found nothing; download it too"
                      .formatted(naming.shard(2)));
    }
  }

  @Test
  void shardsNumberedFromZero_areJoined() {
    write("model-00000-of-00002.safetensors", "a");
    write("model-00001-of-00002.safetensors", "b");
    try (TensorSource opened = Checkpoint.open(folder)) {
      assertThat(opened.names()).containsExactly("a", "b");
    }
  }

  @Test
  void aCheckpointOfOneShard_isWhole() {
    write("model-00001-of-00001.safetensors", "a");
    try (TensorSource opened = Checkpoint.open(folder)) {
      assertThat(opened.names()).containsExactly("a");
    }
  }

  @Test
  void anIndexOfOtherShards_doesNotHideThese() throws IOException {
    Naming three = new Naming("model", ".safetensors", 3, "model.safetensors.index.json");
    writeIndex(three);
    write("model-00001-of-00002.safetensors", "a");
    write("model-00002-of-00002.safetensors", "b");
    try (TensorSource opened =
        Checkpoint.open(folder.resolve("model-00002-of-00002.safetensors"))) {
      assertThat(opened.names()).containsExactly("a", "b");
    }
  }

  @Test
  void aTensorInTwoShards_isRefused() {
    write("model-00001-of-00002.safetensors", "a");
    write("model-00002-of-00002.safetensors", "a");
    assertThatThrownBy(() -> Checkpoint.open(folder))
        .hasMessageContaining("both hold a tensor 'a'; expected shards of one checkpoint");
  }

  @Test
  void twoShardings_areNotMixed() {
    for (String name : List.of("1-of-2", "2-of-2", "1-of-3", "2-of-3", "3-of-3")) {
      write("model-%s.safetensors".formatted(name), name);
    }
    assertThatThrownBy(() -> Checkpoint.open(folder))
        .hasMessage(
            folder
                + ": expected one checkpoint, found [model-1-of-2.safetensors,"
                + " model-1-of-3.safetensors]; give the file itself");
  }

  @Test
  void fullPrecision_isPreferredToVariants() {
    write("diffusion_pytorch_model.fp16.safetensors", "half");
    write("diffusion_pytorch_model.non_ema.safetensors", "raw");
    write("diffusion_pytorch_model.safetensors", "full");
    try (TensorSource opened = Checkpoint.open(folder)) {
      assertThat(opened.names()).containsExactly("full");
    }
    assertThat(CheckpointFiles.in(folder))
        .containsExactly(folder.resolve("diffusion_pytorch_model.safetensors"));
  }

  @Test
  void severalVariantsAlone_areAChoiceForTheUser() {
    write("model.fp16.safetensors", "half");
    write("model.bf16.safetensors", "brain");
    assertThatThrownBy(() -> Checkpoint.open(folder))
        .hasMessage(
            folder
                + ": expected one checkpoint, found [model.bf16.safetensors,"
                + " model.fp16.safetensors]; give the file itself");
  }

  @ParameterizedTest
  @ValueSource(strings = {"x.gguf", "x.safetensors", "x.bin", "x.pth", "x.ckpt"})
  void ggufFiles_areNamedWhateverTheirEnding(String name) throws IOException {
    byte[] content = new byte[88];
    byte[] magic = {'G', 'G', 'U', 'F', 3};
    System.arraycopy(magic, 0, content, 0, magic.length);
    Files.write(folder.resolve(name), content);
    for (Path opened : List.of(folder, folder.resolve(name))) {
      assertThatThrownBy(() -> Checkpoint.open(opened))
          .isInstanceOf(CheckpointException.class)
          .hasMessageStartingWith(folder.resolve(name) + ": ")
          .hasMessageContaining("this is a GGUF file, which is not read");
    }
  }

  private void writeShards(Naming naming) {
    for (int number = 1; number <= naming.count(); number++) {
      write(naming.shard(number), "tensor" + number);
    }
  }

  private void writeIndex(Naming naming) throws IOException {
    String map =
        IntStream.rangeClosed(1, naming.count())
            .mapToObj(number -> "\"tensor%d\":\"%s\"".formatted(number, naming.shard(number)))
            .collect(Collectors.joining(","));
    Files.writeString(
        folder.resolve(naming.index()),
        "{\"metadata\":{\"total_size\":4},\"weight_map\":{%s}}".formatted(map),
        StandardCharsets.UTF_8);
  }

  private void write(String file, String tensor) {
    SafetensorsWriter.write(
        folder.resolve(file), MemoryTensors.builder().addFloats(tensor, List.of(1L), 1).build());
  }

  private static void assertWhole(Naming naming, Path opened) {
    List<String> names = new ArrayList<>();
    for (int number = 1; number <= naming.count(); number++) {
      names.add("tensor" + number);
    }
    try (TensorSource source = Checkpoint.open(opened)) {
      assertThat(source.names()).containsExactlyElementsOf(names);
      names.forEach(name -> assertThat(source.floats(name)).containsExactly(1));
    }
  }
}
