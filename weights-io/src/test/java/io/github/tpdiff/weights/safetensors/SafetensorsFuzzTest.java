package io.github.tpdiff.weights.safetensors;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.github.tpdiff.weights.FileGoldens;
import io.github.tpdiff.weights.FuzzedReader;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.safetensors.StrictJson.Malformed;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Arbitrary bytes as a safetensors file and as an index of shards. */
class SafetensorsFuzzTest {

  private static final Path SHARDED = FileGoldens.resource("files/safetensors-valid/sharded-odd");

  @TempDir Path folder;
  private FuzzedReader files;
  private FuzzedReader indexes;

  @BeforeEach
  void lay() throws IOException {
    files = new FuzzedReader(folder, "x.safetensors", SafetensorsFile::open);
    indexes = new FuzzedReader(folder, "model.safetensors.index.json", ShardedTensors::open);
    for (String shard : List.of("part-a.safetensors", "part-b.safetensors")) {
      Files.copy(SHARDED.resolve(shard), folder.resolve(shard));
    }
  }

  static Stream<byte[]> someFiles() throws IOException {
    return FileGoldens.contents(
        ".safetensors", "files/safetensors-valid", "files/safetensors-invalid", "fuzz/safetensors");
  }

  static Stream<byte[]> someIndexes() throws IOException {
    return FileGoldens.contents(
        ".index.json", "files/safetensors-valid", "files/safetensors-invalid", "fuzz/index");
  }

  @ParameterizedTest(name = "{index}")
  @MethodSource("someFiles")
  void seed_isReadOrRefusedAsAFile(byte[] content) {
    file(content);
  }

  @MethodSource("someFiles")
  @FuzzTest(maxDuration = "15m")
  void file(byte[] content) {
    files.read(content, this::assertWrittenHeaderSaysTheSame);
  }

  private void assertWrittenHeaderSaysTheSame(TensorSource source) {
    List<TensorInfo> infos = source.names().stream().map(source::require).toList();
    HeaderLayout layout =
        HeaderLayout.of(folder.resolve("y.safetensors"), infos, source.metadata());
    ByteBuffer header = layout.header();
    long dataLength = layout.fileSize() - header.remaining();
    byte[] json = new byte[header.remaining() - Long.BYTES];
    header.get(Long.BYTES, json);
    try {
      SafetensorsHeader parsed = SafetensorsHeader.parse(json, dataLength);
      List<TensorInfo> again = new ArrayList<>();
      parsed.entries().values().forEach(entry -> again.add(entry.info()));
      assertThat(again).containsExactlyInAnyOrderElementsOf(infos);
      assertThat(parsed.metadata()).isEqualTo(source.metadata());
    } catch (Malformed malformed) {
      throw new AssertionError("what the writer writes is refused", malformed);
    }
  }

  @ParameterizedTest(name = "{index}")
  @MethodSource("someIndexes")
  void seed_isReadOrRefusedAsAnIndex(byte[] content) {
    index(content);
  }

  @MethodSource("someIndexes")
  @FuzzTest(maxDuration = "15m")
  void index(byte[] content) {
    indexes.read(content, source -> assertThat(source.names()).doesNotContainNull());
  }
}
