package io.github.tpdiff.weights.safetensors;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.checkpoint.Checkpoint;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A checkpoint of 28 GB, as large as that of a 14B model, in files with holes. */
class LargeCheckpointTest {

  private static final int SHARDS = 6;
  private static final int TENSORS = 180;
  private static final long TENSOR_BYTES = 2L * 5120 * 2560;

  @TempDir Path folder;

  @Test
  void opening_touchesOnlyHeaders() throws IOException {
    Path index = write();
    Checkpoint.open(index).close();
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long thread = Thread.currentThread().getId();
    long before = threads.getThreadAllocatedBytes(thread);
    Instant start = Instant.now();
    try (TensorSource source = Checkpoint.open(index)) {
      Duration time = Duration.between(start, Instant.now());
      long allocated = threads.getThreadAllocatedBytes(thread) - before;
      assertThat(source.names()).hasSize(SHARDS * TENSORS);
      assertThat(allocated).isLessThan(16 << 20);
      // Tens of milliseconds; the rest is for machines that do other things as well.
      assertThat(time).isLessThan(Duration.ofSeconds(2));
      assertThat(source.bytes("b.5.179", TENSOR_BYTES - 4, 4).getInt()).isEqualTo(7);
    }
  }

  private Path write() throws IOException {
    List<String> map = new ArrayList<>();
    for (int shard = 0; shard < SHARDS; shard++) {
      String name = "model-%05d-of-%05d.safetensors".formatted(shard + 1, SHARDS);
      List<String> entries = new ArrayList<>();
      for (int i = 0; i < TENSORS; i++) {
        entries.add(
            "\"b.%d.%d\":{\"dtype\":\"BF16\",\"shape\":[5120,2560],\"data_offsets\":[%d,%d]}"
                .formatted(shard, i, i * TENSOR_BYTES, (i + 1) * TENSOR_BYTES));
        map.add("\"b.%d.%d\":\"%s\"".formatted(shard, i, name));
      }
      byte[] json = ("{" + String.join(",", entries) + "}").getBytes(StandardCharsets.UTF_8);
      ByteBuffer length = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
      try (RandomAccessFile file = new RandomAccessFile(folder.resolve(name).toFile(), "rw")) {
        file.write(length.putLong(json.length).array());
        file.write(json);
        file.setLength(8 + json.length + TENSORS * TENSOR_BYTES);
        file.seek(file.length() - 4);
        file.write(new byte[] {7, 0, 0, 0});
      }
    }
    return Files.writeString(
        folder.resolve("model.safetensors.index.json"),
        "{\"weight_map\":{" + String.join(",", map) + "}}");
  }
}
