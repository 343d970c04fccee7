package io.github.tpdiff.weights.pickle;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.github.tpdiff.weights.FileGoldens;
import io.github.tpdiff.weights.FuzzedReader;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Arbitrary bytes as a torch file and as the pickle in one. */
class TorchFuzzTest {

  private static final byte[] STORAGE = new byte[64];

  @TempDir Path folder;
  private FuzzedReader files;

  @BeforeEach
  void lay() {
    files = new FuzzedReader(folder, "x.pth", TorchFile::open);
  }

  static Stream<byte[]> someFiles() throws IOException {
    return FileGoldens.contents("", "files/torch-valid", "files/torch-hostile", "fuzz/torch");
  }

  static Stream<byte[]> somePickles() throws IOException {
    return Stream.concat(
        someFiles().flatMap(TorchArchives::pickleIn), FileGoldens.contents("", "fuzz/pickle"));
  }

  @ParameterizedTest(name = "{index}")
  @MethodSource("someFiles")
  void seed_isReadOrRefusedAsAFile(byte[] content) {
    file(content);
  }

  @MethodSource("someFiles")
  @FuzzTest(maxDuration = "15m")
  void file(byte[] content) {
    files.read(content, source -> assertThat(source.names()).doesNotContainNull());
  }

  @ParameterizedTest(name = "{index}")
  @MethodSource("somePickles")
  void seed_isReadOrRefusedAsAPickle(byte[] content) {
    pickle(content);
  }

  @MethodSource("somePickles")
  @FuzzTest(maxDuration = "15m")
  void pickle(byte[] content) {
    byte[] archive =
        TorchArchives.zip(Map.of("a/data.pkl", content, "a/data/0", STORAGE, "a/data/1", STORAGE));
    files.read(archive, source -> assertThat(source.names()).doesNotContainNull());
  }
}
