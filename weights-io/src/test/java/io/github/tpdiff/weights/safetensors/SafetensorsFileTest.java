package io.github.tpdiff.weights.safetensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.FileGoldens;
import io.github.tpdiff.weights.FileGoldens.Entry;
import io.github.tpdiff.weights.FileRegion;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.checkpoint.Checkpoint;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class SafetensorsFileTest {

  @TempDir Path folder;

  static Stream<Entry> accepted() throws IOException {
    return Stream.concat(
        FileGoldens.entries(FileGoldens.resource("files/safetensors-valid"), "accept"),
        FileGoldens.entries(FileGoldens.resource("files/safetensors-invalid"), "accept"));
  }

  static Stream<Entry> rejected() throws IOException {
    return FileGoldens.entries(FileGoldens.resource("files/safetensors-invalid"), "reject");
  }

  @ParameterizedTest
  @MethodSource("accepted")
  void file_readsToTheValuesOfTheReference(Entry entry) {
    try (TensorSource source = Checkpoint.open(entry.file())) {
      if (entry.json().hasNonNull("tensors")
          && Files.exists(entry.folder().resolve("io.safetensors"))) {
        entry.assertHeldBy(source);
      }
      assertThat(source.names()).hasSize(entry.json().get("tensors").size());
    }
  }

  @ParameterizedTest
  @MethodSource("rejected")
  void damagedFile_isRefusedInOneLineThatNamesIt(Entry entry) {
    assertThatThrownBy(() -> Checkpoint.open(entry.file()).close())
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining(entry.folder().toString())
        .hasMessageNotContaining("\n");
  }

  @Test
  void deepNesting_isRefused() throws IOException {
    assertRefused("{\"a\":{\"x\":" + "[".repeat(100_000) + "]".repeat(100_000) + "}}");
    assertRefused("{\"x\":".repeat(50_000) + "1" + "}".repeat(50_000));
  }

  /** What the reference implementation, safetensors 0.8.0, says about the same headers. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          refused  | {"a":{"dtype":"F32","shape":[-0],"data_offsets":[0,0]}}
          accepted | {"a":{"dtype":"F32","shape":[1099511627776,8388608,0],"data_offsets":[0,0]}}
          refused  | {"a":{"dtype":"F32","shape":[1099511627776,16777216,0],"data_offsets":[0,0]}}
          refused  | {"a":{"dtype":"F32","shape":[02],"data_offsets":[0,8]}}
          accepted | {"a":{"x":1,"x":2,"dtype":"F32","shape":[0],"data_offsets":[0,0]}}
          refused  | {"a":{"x":1e999,"dtype":"F32","shape":[0],"data_offsets":[0,0]}}
          accepted | {"a":{"x":1e-999,"dtype":"F32","shape":[0],"data_offsets":[0,0]}}
          refused  | {"a":{"x":"\\ud800","dtype":"F32","shape":[0],"data_offsets":[0,0]}}
          refused  | {"a":{"x":{"\\ud800":1},"dtype":"F32","shape":[0],"data_offsets":[0,0]}}
          accepted | {"a":{"dtype":"F8_E8M0","shape":[0],"data_offsets":[0,0]}}
          refused  | {"a":{"dtype":"F4","shape":[1],"data_offsets":[0,0]}}
          refused  | {"a":{"dtype":"f32","shape":[0],"data_offsets":[0,0]}}
          accepted | {"__metadata__":{"a":"b","a":"c"}}
          accepted | {"__metadata__":null}
          refused  | {"__metadata__":{"a":null}}
          accepted | {"a":["F32",[0],[0,0]]}
          refused  | {"a":["F32",[0],[0,0],1]}
          refused  | {"a":["F32",[0]]}
          accepted | {"a":{"dtype":{"F32":null},"shape":[0],"data_offsets":[0,0]}}
          refused  | {"a":{"dtype":{"F32":0},"shape":[0],"data_offsets":[0,0]}}
          refused  | {"a":{"dtype":{"F32":null,"F32":null},"shape":[0],"data_offsets":[0,0]}}
          refused  | {"a":{"dtype":{},"shape":[0],"data_offsets":[0,0]}}
          accepted | {"a":{"x":1.7976931348623157e308,"dtype":"F32","shape":[0],"data_offsets":[0,0]}}
          refused  | {"a":{"x":1.7976931348623158e308,"dtype":"F32","shape":[0],"data_offsets":[0,0]}}
          refused  | {"a":{"x":179769313486231570000e288,"dtype":"F32","shape":[0],"data_offsets":[0,0]}}
          accepted | {"a":{"x":-100000000000000000000E+288,"dtype":"F32","shape":[0],"data_offsets":[0,0]}}
          accepted | {"a":{"x":0.00017976931348623157e312,"dtype":"F32","shape":[0],"data_offsets":[0,0]}}
          accepted | {"a":{"x":0e99999999999,"dtype":"F32","shape":[0],"data_offsets":[0,0]}}
          refused  | {"a":{"x":1e99999999999,"dtype":"F32","shape":[0],"data_offsets":[0,0]}}
          """)
  void header_getsTheVerdictOfTheReference(String verdict, String json) throws IOException {
    if (verdict.equals("refused")) {
      assertRefused(json);
    } else {
      SafetensorsFile.open(write(json)).close();
    }
  }

  @Test
  void nestingInWhatIsPassedOver_isAllowedAsDeepAsTheReferenceAllows() throws IOException {
    SafetensorsFile.open(write(nested(125))).close();
    assertRefused(nested(126));
  }

  private static String nested(int depth) {
    return "{\"a\":{\"x\":%s%s,\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}}"
        .formatted("[".repeat(depth), "]".repeat(depth));
  }

  @Test
  void sliceBeyond2GiB_isReadFromItsPlace() throws IOException {
    long elements = (3L << 30) / 4;
    String json =
        "{\"big\":{\"dtype\":\"F32\",\"shape\":[%d],\"data_offsets\":[0,%d]}}"
            .formatted(elements, elements * 4);
    Path file = write(json);
    try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
      sparse.setLength(8 + json.length() + elements * 4);
      sparse.seek(8 + json.length() + (3L << 30) - 8);
      sparse.write(new byte[] {1, 2, 3, 4, 5, 6, 7, 8});
    }
    try (SafetensorsFile source = SafetensorsFile.open(file)) {
      assertThat(source.bytes("big", (3L << 30) - 8, 8).getLong()).isEqualTo(0x0807060504030201L);
      assertThat(source.bytes("big", 100, (3 << 29)).remaining()).isEqualTo(3 << 29);
      assertThatThrownBy(() -> source.bytes("big"))
          .hasMessageContaining("tensor 'big' has 3221225472 bytes, more than one buffer holds");
      assertThatThrownBy(() -> source.bytes("big", (3L << 30) - 8, 9))
          .hasMessageContaining("expected a slice of its 3221225472 bytes");
    }
  }

  @Test
  void region_isWhereThePayloadLies() throws IOException {
    Path file = FileGoldens.resource("files/safetensors-valid/dtypes.safetensors");
    try (SafetensorsFile source = SafetensorsFile.open(file)) {
      FileRegion region = source.region("f16").orElseThrow();
      byte[] all = Files.readAllBytes(region.file());
      ByteBuffer expected = ByteBuffer.wrap(all, (int) region.offset(), (int) region.length());
      assertThat(source.bytes("f16")).isEqualTo(expected);
      assertThat(source.bytes("f16").isDirect()).isTrue();
      assertThat(source.bytes("f16").isReadOnly()).isTrue();
    }
  }

  @Test
  void missingTensor_isReportedWithTheNearestName() {
    Path file = FileGoldens.resource("files/safetensors-valid/dtypes.safetensors");
    try (SafetensorsFile source = SafetensorsFile.open(file)) {
      assertThatThrownBy(() -> source.require("bf166"))
          .hasMessage(file + ": tensor 'bf166' is missing; the nearest name is 'bf16'");
    }
  }

  @Test
  void closedFile_isNotRead() {
    SafetensorsFile source =
        SafetensorsFile.open(FileGoldens.resource("files/safetensors-valid/dtypes.safetensors"));
    source.close();
    assertThatThrownBy(() -> source.bytes("f32"))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("read after it was closed");
  }

  private void assertRefused(String json) throws IOException {
    Path file = write(json);
    assertThatThrownBy(() -> SafetensorsFile.open(file).close())
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("damaged safetensors header")
        .hasMessageNotContaining("\n");
  }

  private Path write(String json) throws IOException {
    byte[] header = json.getBytes(StandardCharsets.UTF_8);
    ByteBuffer bytes = ByteBuffer.allocate(8 + header.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(header.length).put(header);
    return Files.write(folder.resolve("test.safetensors"), bytes.array());
  }
}
