package io.github.tpdiff.conformance.bench;

import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.IndentedJson;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A sharded checkpoint with the number and sizes of tensors of a 14B model in BF16, 28 GB, whose
 * payload takes no room on the disk: files with holes.
 */
final class SparseCheckpoint {

  private static final int SHARDS = 6;
  private static final int TENSORS_PER_SHARD = 180;
  private static final long WIDTH = 5120;
  private static final long ROWS = 2532;

  private SparseCheckpoint() {}

  /** Writes it to a new folder and returns its index. */
  static Path write(Path folder) throws IOException {
    Files.createDirectories(folder);
    Map<String, Object> weightMap = new LinkedHashMap<>();
    for (int shard = 0; shard < SHARDS; shard++) {
      String name = "diffusion_pytorch_model-%05d-of-%05d.safetensors".formatted(shard + 1, SHARDS);
      Map<String, Object> header = new LinkedHashMap<>();
      long end = 0;
      for (int i = 0; i < TENSORS_PER_SHARD; i++) {
        String tensor = "blocks.%d.ffn.net.%d.proj.weight".formatted(shard, i);
        long next = end + WIDTH * ROWS * DType.BF16.bytes();
        header.put(
            tensor,
            Map.of(
                "dtype",
                "BF16",
                "shape",
                List.of(WIDTH, ROWS),
                "data_offsets",
                List.of(end, next)));
        weightMap.put(tensor, name);
        end = next;
      }
      byte[] json = IndentedJson.write(header).getBytes(StandardCharsets.UTF_8);
      try (RandomAccessFile file = new RandomAccessFile(folder.resolve(name).toFile(), "rw")) {
        file.write(
            ByteBuffer.allocate(Long.BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(json.length)
                .array());
        file.write(json);
        file.setLength(Long.BYTES + json.length + end);
      }
    }
    return Files.writeString(
        folder.resolve("diffusion_pytorch_model.safetensors.index.json"),
        IndentedJson.write(Map.of("weight_map", weightMap)));
  }
}
