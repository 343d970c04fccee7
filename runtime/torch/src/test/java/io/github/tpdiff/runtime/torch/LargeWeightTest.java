package io.github.tpdiff.runtime.torch;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.graph.Value;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.checkpoint.Checkpoint;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class LargeWeightTest {
  private static final int WIDTH = 1024;

  @TempDir Path folder;

  /** The file is sparse: only the last row is there. */
  private Path writeTable(DType dtype, long rows, ByteBuffer lastRow) throws IOException {
    long bytes = rows * WIDTH * dtype.bytes();
    String header =
        "{\"table\":{\"dtype\":\"%s\",\"shape\":[%d,%d],\"data_offsets\":[0,%d]}}"
            .formatted(dtype, rows, WIDTH, bytes);
    header += " ".repeat(8 - header.length() % 8);
    Path path = folder.resolve("large.safetensors");
    try (var file = new RandomAccessFile(path.toFile(), "rw")) {
      var length =
          ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(0, header.length());
      file.write(length.array());
      file.write(header.getBytes(UTF_8));
      file.setLength(8 + header.length() + bytes);
      file.seek(file.length() - lastRow.remaining());
      file.getChannel().write(lastRow);
    }
    return path;
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "BF16"})
  void rowsOfATableOverTwoGib_areReadWhereTheyLie(DType dtype) throws IOException {
    long rows = (Integer.MAX_VALUE / WIDTH / dtype.bytes()) + 10L;
    var row = ByteBuffer.allocate(WIDTH * dtype.bytes()).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < WIDTH; i++) {
      if (dtype == DType.F32) {
        row.putFloat(1.5f);
      } else {
        row.putShort((short) 0x3fc0); // 1.5
      }
    }
    Path file = writeTable(dtype, rows, row.flip());
    var gathered = Value.weight("table", rows, WIDTH).gather(Value.indexInput("ids", "n"));
    var program = new Program("g", List.of(Graph.of("g", "y", gathered)), List.of("y"));
    try (var weights = Checkpoint.open(file);
        var executable = TorchEngine.cpu().load(program, weights)) {
      var ids = Tensor.ofLongs(new long[] {rows - 1, 0}, 2);
      var found =
          Objects.requireNonNull(executable.run(Map.of("ids", ids)).get("y")).toFloatArray();
      assertThat(found).hasSize(2 * WIDTH);
      for (int i = 0; i < WIDTH; i++) {
        assertThat(found[i]).isEqualTo(1.5f);
        assertThat(found[WIDTH + i]).isEqualTo(0f);
      }
    }
  }
}
