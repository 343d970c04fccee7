package io.github.tpdiff.weights.pickle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.FileGoldens;
import io.github.tpdiff.weights.FileGoldens.Entry;
import io.github.tpdiff.weights.FileRegion;
import io.github.tpdiff.weights.FloatCodec;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.checkpoint.Checkpoint;
import io.github.tpdiff.weights.pickle.TorchArchives.View;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
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

  /** Files that PyTorch 2.15 wrote and reads. */
  @ParameterizedTest
  @CsvSource({
    "bytes-behind-archive.pth, t",
    "key-of-81-bits.pth, 1208925819614629174706176",
    "layout-beside-weights.pth, t",
    "quantisation-scheme-beside-weights.pth, t"
  })
  void oddFileOfTorch_isRead(String name, String tensor) {
    try (TorchFile source = TorchFile.open(FileGoldens.resource("fuzz/torch").resolve(name))) {
      assertThat(source.names()).containsExactly(tensor);
    }
  }

  /** Their values are not those of the storage: reading them plainly would be wrong. */
  @ParameterizedTest
  @CsvSource({
    "conjugated-view.pth, save it anew after .resolve_conj()",
    "negated-view.pth, save it anew after .resolve_neg()",
    "complex128.pth, tensors of 'torch.ComplexDoubleStorage' are not supported",
    "unknown-version.pth, 'expected format version 10 or less, found 99'"
  })
  void whatCannotBeReadPlainly_isRefusedWithTheReason(String name, String reason) {
    Path file = FileGoldens.resource("fuzz/torch").resolve(name);
    assertThatThrownBy(() -> TorchFile.open(file).close())
        .isInstanceOf(CheckpointException.class)
        .hasMessageStartingWith(file + ": ")
        .hasMessageContaining(reason);
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
  void shardsOfAnIndex_areReadAsOneCheckpoint() throws IOException {
    Files.copy(VALID.resolve("ordered.bin"), folder.resolve("pytorch_model-00001-of-00002.bin"));
    Files.copy(VALID.resolve("parameters.pth"), folder.resolve("pytorch_model-00002-of-00002.bin"));
    Set<String> second;
    try (TorchFile source = TorchFile.open(VALID.resolve("parameters.pth"))) {
      second = Set.copyOf(source.names());
    }
    String map =
        second.stream()
            .map(name -> ", \"%s\": \"pytorch_model-00002-of-00002.bin\"".formatted(name))
            .collect(Collectors.joining());
    Files.writeString(
        folder.resolve("pytorch_model.bin.index.json"),
        "{\"metadata\": {\"total_size\": 1}, \"weight_map\": {\"a.weight\":"
            + " \"pytorch_model-00001-of-00002.bin\"%s}}".formatted(map));
    try (TensorSource source = Checkpoint.open(folder);
        TensorSource first = TorchFile.open(VALID.resolve("ordered.bin"))) {
      assertThat(source.names())
          .hasSize(1 + second.size())
          .contains("a.weight")
          .containsAll(second);
      assertThat(source.bytes("a.weight")).isEqualTo(first.bytes("a.weight"));
    }
  }

  @Test
  void whatTrainersSaveBesideTheWeights_isPassedOver() throws IOException {
    View view = new View(0, List.of(2L), List.of(1L));
    String score =
        "cnumpy.core.multiarray\nscalar\n(cnumpy\ndtype\n("
            + TorchArchives.text("f8")
            + "\u0089\u0088tRK\u0003b"
            + "c_codecs\nencode\n("
            + TorchArchives.text("x")
            + TorchArchives.text("latin1")
            + "tRtR";
    byte[] pickle =
        TorchArchives.pickle(
            "}("
                + "cpytorch_lightning.callbacks.model_checkpoint\nModelCheckpoint\n}"
                + TorchArchives.text("best")
                + score
                + "s"
                + TorchArchives.text("seen")
                + "c__builtin__\nset\n(]tR"
                + "\u0088"
                + TorchArchives.tensor("ComplexFloatStorage", 2, view)
                + "u");
    Path file = folder.resolve("x.ckpt");
    Files.write(file, TorchArchives.zip(Map.of("a/data.pkl", pickle, "a/data/0", new byte[16])));
    try (TorchFile source = TorchFile.open(file)) {
      assertThat(source.names()).containsExactly("True");
      assertThat(source.require("True").dtype()).isEqualTo(DType.C64);
    }
  }

  @Test
  void moreDimensionsThanPyTorchHas_areRefused() throws IOException {
    List<Long> ones = Collections.nCopies(65, 1L);
    byte[] pickle =
        TorchArchives.pickle(TorchArchives.tensor("FloatStorage", 1, new View(0, ones, ones)));
    Path file = folder.resolve("x.pt");
    Files.write(file, TorchArchives.zip(Map.of("a/data.pkl", pickle, "a/data/0", new byte[4])));
    assertThatThrownBy(() -> TorchFile.open(file).close())
        .hasMessageContaining("expected at most 64 dimensions, found 65");
  }

  @Test
  void floodOfMarks_isRefused() throws IOException {
    assertRefused("\u0080\u0002" + "(".repeat(300_000) + ".");
    assertRefused("\u0080\u0002" + "(".repeat(300_000) + "0.");
  }

  @Test
  void nestedTuples_doNotOverflowTheStack() throws IOException {
    try (TorchFile source = TorchFile.open(zip("\u0080\u0002)" + "\u0085".repeat(200_000) + "."))) {
      assertThat(source.names()).isEmpty();
    }
    assertThatThrownBy(() -> openAround("\u0085".repeat(200_000)).close())
        .hasMessageContaining("nested deeper than 64 levels");
  }

  @Test
  void tensorInTuplesThatUnfoldForever_isRefused() {
    String tenTimes = "r\0\u0001\0\0(" + "j\0\u0001\0\0".repeat(10) + "t";
    assertThatThrownBy(() -> openAround(tenTimes.repeat(40)).close())
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("once unfolded");
  }

  @Test
  void containersThatUnfoldForever_areSkippedWhenTheyHoldNoTensor() throws IOException {
    String tenTimes = "r\0\u0001\0\0(" + "j\0\u0001\0\0".repeat(10) + "t";
    Path file = zip("\u0080\u0002)" + tenTimes.repeat(1000) + ".");
    assertTimeoutPreemptively(Duration.ofSeconds(5), () -> TorchFile.open(file).close());
  }

  /** The file of one tensor, with more steps on its pickle's stack before the end. */
  private TorchFile openAround(String steps) throws IOException {
    byte[] archive = Files.readAllBytes(VALID.resolve("bare-tensor.pt"));
    byte[] pickle = TorchArchives.pickleIn(archive).findFirst().orElseThrow();
    String start = new String(pickle, 0, pickle.length - 1, StandardCharsets.ISO_8859_1);
    byte[] longer = (start + steps + ".").getBytes(StandardCharsets.ISO_8859_1);
    byte[] storage;
    try (TorchFile source = TorchFile.open(VALID.resolve("bare-tensor.pt"))) {
      storage = new byte[(int) source.region("").orElseThrow().length()];
    }
    Path file = folder.resolve("around.pt");
    Files.write(file, TorchArchives.zip(Map.of("a/data.pkl", longer, "a/data/0", storage)));
    return TorchFile.open(file);
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

  @Test
  void storageBeyond4GiB_isFoundThroughThe64BitDirectory() throws IOException {
    long elements = (5L << 30) / 2;
    View all = new View(0, List.of(elements), List.of(1L));
    byte[] text =
        TorchArchives.pickle(
            "}"
                + TorchArchives.text("w")
                + TorchArchives.tensor("BFloat16Storage", elements, all)
                + "s");
    Path path = folder.resolve("large.pth");
    try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
      file.write(localHeader("a/data.pkl", text.length));
      file.write(text);
      long storage = file.getFilePointer();
      file.write(localHeader("a/data/0", -1));
      long data = file.getFilePointer();
      file.seek(data + 2 * elements - 2);
      file.write(new byte[] {0x40, 0x40});
      long directory = file.getFilePointer();
      file.write(directoryEntry("a/data.pkl", text.length, 0));
      file.write(directoryEntry("a/data/0", 2 * elements, storage));
      long end = file.getFilePointer();
      file.write(end64(directory, end));
    }
    try (TorchFile source = TorchFile.open(path)) {
      assertThat(source.require("w").shape()).containsExactly(elements);
      ByteBuffer last = source.bytes("w", 2 * elements - 2, 2);
      assertThat(FloatCodec.fromBf16(last.getShort())).isEqualTo(3);
    }
  }

  private static byte[] localHeader(String name, int size) {
    byte[] text = name.getBytes(StandardCharsets.US_ASCII);
    ByteBuffer header = buffer(30 + text.length).putInt(0x04034b50);
    header.putInt(18, size).putInt(22, size).putShort(26, (short) text.length);
    return bytes(header.put(30, text));
  }

  private static byte[] directoryEntry(String name, long size, long offset) {
    byte[] text = name.getBytes(StandardCharsets.US_ASCII);
    ByteBuffer entry = buffer(46 + text.length + 28).putInt(0x02014b50);
    entry.putInt(20, -1).putInt(24, -1).putInt(42, -1);
    entry.putShort(28, (short) text.length).putShort(30, (short) 28).put(46, text);
    entry.position(46 + text.length).putShort((short) 1).putShort((short) 24);
    return bytes(entry.putLong(size).putLong(size).putLong(offset));
  }

  private static byte[] end64(long directory, long end) {
    ByteBuffer records = buffer(56 + 20 + 22).putInt(0x06064b50);
    records.putLong(4, 44).putLong(24, 2).putLong(32, 2);
    records.putLong(40, end - directory).putLong(48, directory);
    records.putInt(56, 0x07064b50).putLong(64, end).putInt(72, 1);
    records.putInt(76, 0x06054b50).putInt(84, -1).putInt(88, -1).putInt(92, -1);
    return bytes(records);
  }

  private static byte[] bytes(ByteBuffer buffer) {
    byte[] bytes = new byte[buffer.capacity()];
    buffer.get(0, bytes);
    return bytes;
  }

  private static ByteBuffer buffer(int size) {
    return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
  }

  private void assertRefused(String pickle) throws IOException {
    Path file = zip(pickle);
    assertThatThrownBy(() -> TorchFile.open(file).close())
        .isInstanceOf(CheckpointException.class)
        .hasMessageStartingWith(file + ": ");
  }

  private Path zip(String pickle) throws IOException {
    byte[] bytes = pickle.getBytes(StandardCharsets.ISO_8859_1);
    return Files.write(
        folder.resolve("x.pth"), TorchArchives.zip(Map.of("archive/data.pkl", bytes)));
  }
}
