package io.github.tpdiff.weights.pickle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.FileGoldens;
import io.github.tpdiff.weights.FileGoldens.Entry;
import io.github.tpdiff.weights.FileRegion;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.checkpoint.Checkpoint;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@Timeout(20)
class TorchFileTest {

  private static final Path VALID = FileGoldens.resource("files/torch-valid");
  private static final Path HOSTILE = FileGoldens.resource("files/torch-hostile");

  @TempDir Path folder;

  static Stream<Entry> valid() throws IOException {
    return FileGoldens.entries(VALID, "accept");
  }

  static Stream<Entry> hostile() throws IOException {
    return FileGoldens.entries(HOSTILE, "reject");
  }

  static Stream<Entry> odd() throws IOException {
    return FileGoldens.entries(HOSTILE, "either");
  }

  @AfterEach
  void nothingWasExecuted() {
    assertThat(Path.of("PWNED")).doesNotExist();
  }

  @ParameterizedTest
  @MethodSource("valid")
  void file_readsToTheValuesOfTorch(Entry entry) {
    try (TorchFile source = TorchFile.open(entry.file())) {
      entry.assertHeldBy(source);
    }
  }

  @ParameterizedTest
  @MethodSource("hostile")
  void hostileFile_isRefusedInOneLineThatNamesIt(Entry entry) {
    assertThatThrownBy(() -> TorchFile.open(entry.file()).close())
        .isInstanceOf(CheckpointException.class)
        .hasMessageStartingWith(entry.file() + ": ")
        .hasMessageNotContaining("\n");
  }

  @ParameterizedTest
  @MethodSource("odd")
  void oddFile_isReadOrRefusedButNeverCrashes(Entry entry) {
    try (TorchFile source = TorchFile.open(entry.file())) {
      assertThat(source.names()).isEmpty();
    } catch (CheckpointException refused) {
      assertThat(refused).hasMessageStartingWith(entry.file() + ": ");
    }
  }

  @Test
  void refusedGlobal_isNamed() {
    assertThatThrownBy(() -> TorchFile.open(HOSTILE.resolve("os-system.pth")).close())
        .hasMessageContaining("'os.system' is not a constructor of tensors");
    assertThatThrownBy(() -> TorchFile.open(HOSTILE.resolve("stack-global.pth")).close())
        .hasMessageContaining("os.system");
  }

  @Test
  void contiguousTensor_isMappedFromItsPlaceInTheArchive() throws IOException {
    try (TorchFile source = TorchFile.open(VALID.resolve("shared-storage.pth"))) {
      FileRegion whole = source.region("whole").orElseThrow();
      FileRegion row = source.region("row").orElseThrow();
      assertThat(row.offset()).isBetween(whole.offset(), whole.offset() + whole.length());
      byte[] all = Files.readAllBytes(row.file());
      assertThat(source.bytes("row"))
          .isEqualTo(ByteBuffer.wrap(all, (int) row.offset(), (int) row.length()));
      assertThat(source.bytes("row").isDirect()).isTrue();
      assertThat(source.region("t")).isEmpty();
    }
  }

  @Test
  void slicesOfAStridedView_areThoseOfTheWhole() {
    try (TorchFile source = TorchFile.open(VALID.resolve("strided.pth"))) {
      ByteBuffer whole = source.bytes("perm");
      for (int offset = 0; offset < whole.capacity(); offset++) {
        for (int length = 0; length <= whole.capacity() - offset; length += 3) {
          assertThat(source.bytes("perm", offset, length)).isEqualTo(whole.slice(offset, length));
        }
      }
    }
  }

  @Test
  void checkpoint_leavesOutTheWrapper() {
    try (TensorSource source = Checkpoint.open(VALID.resolve("legacy-nonzip-bf16.ckpt"))) {
      assertThat(source.names()).containsExactly("module.a", "module.b");
    }
    try (TensorSource source = Checkpoint.open(VALID.resolve("ordered.bin"))) {
      assertThat(source.names()).containsExactly("b.weight", "a.weight");
    }
  }

  @Test
  void floodOfMarks_isRefused() throws IOException {
    assertRefused("\u0080\u0002" + "(".repeat(300_000) + ".");
    assertRefused("\u0080\u0002" + "(".repeat(300_000) + "0.");
  }

  @Test
  void nestedTuples_doNotOverflowTheStack() throws IOException {
    assertRefused("\u0080\u0002)" + "\u0085".repeat(200_000) + ".");
  }

  @Test
  void moreStepsThanAllowed_areRefused() throws IOException {
    assertRefused("\u0080\u0002" + "N0".repeat(Unpickler.MAX_OPCODES / 2) + "N.");
  }

  @Test
  void dictionaryKeyedByABombOfTuples_isNotHashed() throws IOException {
    StringBuilder bomb = new StringBuilder("\u0080\u0002})q\u0000");
    for (int level = 0; level < 60; level++) {
      bomb.append("0h\u0000h\u0000\u0086q\u0000");
    }
    Path file = zip(bomb.append("Ns.").toString());
    try (TorchFile source = TorchFile.open(file)) {
      assertThat(source.names()).isEmpty();
    }
  }

  private void assertRefused(String pickle) throws IOException {
    Path file = zip(pickle);
    assertThatThrownBy(() -> TorchFile.open(file).close())
        .isInstanceOf(CheckpointException.class)
        .hasMessageStartingWith(file + ": ");
  }

  private Path zip(String pickle) throws IOException {
    byte[] bytes = pickle.getBytes(StandardCharsets.ISO_8859_1);
    ByteArrayOutputStream archive = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(archive)) {
      ZipEntry entry = new ZipEntry("archive/data.pkl");
      CRC32 crc = new CRC32();
      crc.update(bytes);
      entry.setMethod(ZipEntry.STORED);
      entry.setSize(bytes.length);
      entry.setCrc(crc.getValue());
      zip.putNextEntry(entry);
      zip.write(bytes);
    }
    return Files.write(folder.resolve("x.pth"), archive.toByteArray());
  }
}
