package io.github.tpdiff.weights.safetensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.FileGoldens;
import io.github.tpdiff.weights.MemoryTensors;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.checkpoint.Checkpoint;
import io.github.tpdiff.weights.safetensors.ShardedSafetensorsWriter.Request;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SafetensorsWriterTest {

  private static final TensorInfo A = new TensorInfo("a", DType.F32, List.of(2L, 3L));
  private static final TensorInfo B = new TensorInfo("b", DType.BF16, List.of(5L));

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "files/safetensors-valid/dtypes.safetensors",
        "files/more-dtypes.safetensors",
        "files/safetensors-valid/shapes.safetensors",
        "files/safetensors-valid/many.safetensors",
        "numerics/half-precision.safetensors"
      })
  void rewrittenFile_isByteForByteTheReferenceImplementations(String path) throws IOException {
    Path original = FileGoldens.resource(path);
    Path copy = folder.resolve("copy.safetensors");
    try (TensorSource source = SafetensorsFile.open(original)) {
      SafetensorsWriter.write(copy, source);
    }
    assertThat(copy).hasSameBinaryContentAs(original);
  }

  @Test
  void declarationOrder_doesNotChangeTheBytes() throws IOException {
    Path first = writeAb(folder.resolve("1.safetensors"), List.of(A, B));
    Path second = writeAb(folder.resolve("2.safetensors"), List.of(B, A));
    assertThat(first).hasSameBinaryContentAs(second);
  }

  private static Path writeAb(Path file, List<TensorInfo> infos) {
    try (SafetensorsWriter writer = SafetensorsWriter.create(file, infos, Map.of("k", "v"))) {
      writer.append("b", ByteBuffer.wrap(new byte[] {1, 2, 3, 4}));
      writer.append("a", ByteBuffer.allocate(24));
      writer.append("b", ByteBuffer.wrap(new byte[] {5, 6, 7, 8, 9, 10}));
      writer.commit();
    }
    return file;
  }

  @Test
  void closingWithoutCommit_leavesTheOldFileAndNoOther() throws IOException {
    Path file = folder.resolve("x.safetensors");
    Files.writeString(file, "old");
    try (SafetensorsWriter writer = SafetensorsWriter.create(file, List.of(A), Map.of())) {
      writer.append("a", ByteBuffer.allocate(24));
    }
    assertThat(file).hasContent("old");
    assertThat(filesInFolder()).containsExactly("x.safetensors");
  }

  @Test
  void incompleteTensor_isNotCommitted() throws IOException {
    Path file = folder.resolve("x.safetensors");
    try (SafetensorsWriter writer = SafetensorsWriter.create(file, List.of(A, B), Map.of())) {
      writer.append("a", ByteBuffer.allocate(24));
      writer.append("b", ByteBuffer.allocate(4));
      assertThatThrownBy(writer::commit)
          .isInstanceOf(CheckpointException.class)
          .hasMessage(file + ": tensor 'b': expected 10 bytes, found 4");
      assertThatThrownBy(() -> writer.append("b", ByteBuffer.allocate(7)))
          .hasMessage(file + ": tensor 'b': expected 10 bytes, found more");
      assertThatThrownBy(() -> writer.append("c", ByteBuffer.allocate(7)))
          .hasMessage(file + ": tensor 'c' was not declared");
    }
    assertThat(filesInFolder()).isEmpty();
  }

  @Test
  void nameDeclaredTwice_isRefused() {
    assertThatThrownBy(
            () -> SafetensorsWriter.create(folder.resolve("x"), List.of(A, A), Map.of()).close())
        .hasMessageContaining("tensor 'a' is declared twice");
  }

  @Test
  void tensorLargerThanAChunk_isProducedPieceByPiece() {
    long elements = 5_000_003;
    TensorInfo info = new TensorInfo("big", DType.I32, List.of(elements));
    Path file = folder.resolve("big.safetensors");
    List<Integer> pieces = new ArrayList<>();
    try (SafetensorsWriter writer = SafetensorsWriter.create(file, List.of(info), Map.of())) {
      writer.fill(
          "big",
          (offset, chunk) -> {
            pieces.add(chunk.remaining());
            for (long i = offset / 4; chunk.hasRemaining(); i++) {
              chunk.putInt((int) (i * i));
            }
          });
      writer.commit();
    }
    assertThat(pieces).hasSize(3).allMatch(size -> size <= 8 << 20);
    try (SafetensorsFile source = SafetensorsFile.open(file)) {
      ByteBuffer bytes = source.bytes("big");
      for (int i = 0; i < elements; i += 997) {
        assertThat(bytes.getInt(4 * i)).isEqualTo(i * i);
      }
      assertThat(bytes.getInt(4 * 5_000_002)).isEqualTo((int) (5_000_002L * 5_000_002L));
    }
  }

  @Test
  void shards_holdWhatFitsAndAnIndexFindsEverything() throws IOException {
    MemoryTensors tensors =
        MemoryTensors.builder()
            .addFloats("z", List.of(2L), 1, 2)
            .addFloats("y", List.of(3L), 3, 4, 5)
            .addFloats("x", List.of(6L), 6, 7, 8, 9, 10, 11)
            .addFloats("w", List.of(1L), 12)
            .build();
    Request request = new Request(folder, "model", 20, tensors.infos(), Map.of("format", "pt"));
    try (ShardedSafetensorsWriter writer = ShardedSafetensorsWriter.create(request)) {
      tensors.names().forEach(name -> writer.copy(tensors, name));
      writer.commit();
    }
    assertThat(filesInFolder())
        .containsExactly(
            "model-00001-of-00003.safetensors",
            "model-00002-of-00003.safetensors",
            "model-00003-of-00003.safetensors",
            "model.safetensors.index.json");
    assertThat(folder.resolve("model.safetensors.index.json"))
        .hasContent(
            """
            {
              "metadata": {
                "total_size": 48
              },
              "weight_map": {
                "w": "model-00003-of-00003.safetensors",
                "x": "model-00002-of-00003.safetensors",
                "y": "model-00001-of-00003.safetensors",
                "z": "model-00001-of-00003.safetensors"
              }
            }
            """);
    try (TensorSource source = Checkpoint.open(folder)) {
      assertThat(source.names()).containsExactlyInAnyOrder("w", "x", "y", "z");
      assertThat(source.floats("x")).containsExactly(6, 7, 8, 9, 10, 11);
      assertThat(source.floats("y")).containsExactly(3, 4, 5);
      assertThat(source.metadata()).containsEntry("format", "pt");
    }
  }

  @Test
  void singleShard_replacesAnOlderIndex() throws IOException {
    MemoryTensors tensors = MemoryTensors.builder().addFloats("a", List.of(1L), 1).build();
    Files.writeString(folder.resolve("model.safetensors.index.json"), "old");
    Request request = new Request(folder, "model", 20, tensors.infos(), Map.of());
    try (ShardedSafetensorsWriter writer = ShardedSafetensorsWriter.create(request)) {
      writer.copy(tensors, "a");
      writer.commit();
    }
    assertThat(filesInFolder()).containsExactly("model.safetensors");
  }

  @Test
  @EnabledOnOs({OS.LINUX, OS.MAC})
  void writtenFile_hasThePermissionsOfAnyNewFile() throws IOException {
    Path plain = Files.createFile(folder.resolve("plain"));
    Path file = writeAb(folder.resolve("x.safetensors"), List.of(A, B));
    assertThat(Files.getPosixFilePermissions(file)).isEqualTo(Files.getPosixFilePermissions(plain));
  }

  @Property(tries = 100)
  void whatIsWritten_isRead(@ForAll("tensorLists") List<TensorInfo> infos) throws IOException {
    Path file = Files.createTempFile("tpdiff", ".safetensors");
    try {
      MemoryTensors.Builder builder = MemoryTensors.builder().metadata("ключ", "\u0001\n\"");
      for (TensorInfo info : infos) {
        byte[] payload = new byte[(int) info.byteCount()];
        new Random(info.hashCode()).nextBytes(payload);
        builder.add(info, ByteBuffer.wrap(payload));
      }
      MemoryTensors tensors = builder.build();
      SafetensorsWriter.write(file, tensors);
      try (SafetensorsFile source = SafetensorsFile.open(file)) {
        assertThat(source.names()).containsExactlyInAnyOrderElementsOf(tensors.names());
        for (TensorInfo info : infos) {
          assertThat(source.require(info.name())).isEqualTo(info);
          assertThat(source.bytes(info.name())).isEqualTo(tensors.bytes(info.name()));
          assertThat(source.region(info.name()).orElseThrow().offset() % alignment(info.dtype()))
              .isZero();
        }
        assertThat(source.metadata()).isEqualTo(tensors.metadata());
      }
    } finally {
      Files.delete(file);
    }
  }

  @Provide
  Arbitrary<List<TensorInfo>> tensorLists() {
    Arbitrary<List<Long>> shapes = Arbitraries.longs().between(0, 5).list().ofMaxSize(4);
    Arbitrary<String> names =
        Arbitraries.strings()
            .filter(
                name ->
                    !name.equals("__metadata__")
                        && name.chars().noneMatch(c -> Character.isSurrogate((char) c)));
    return Combinators.combine(names, Arbitraries.of(DType.class), shapes)
        .as((name, dtype, shape) -> new TensorInfo(name, dtype, inWholeBytes(dtype, shape)))
        .list()
        .ofMaxSize(12)
        .uniqueElements(TensorInfo::name)
        .map(Collections::unmodifiableList);
  }

  private static int alignment(DType dtype) {
    return Math.max(1, dtype.bits() / Byte.SIZE);
  }

  /** Elements smaller than a byte come in fours. */
  private static List<Long> inWholeBytes(DType dtype, List<Long> shape) {
    List<Long> whole = new ArrayList<>(shape);
    if (dtype.bits() < Byte.SIZE) {
      whole.add(4L);
    }
    return whole;
  }

  private List<String> filesInFolder() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }
}
