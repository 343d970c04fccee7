package io.github.tpdiff.weights.safetensors;

import io.github.tpdiff.weights.AtomicFile;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.CommitLock;
import io.github.tpdiff.weights.IndentedJson;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSink;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Writes a checkpoint as safetensors files of bounded size and an index, under the names the
 * Hugging Face hub uses: {@code base-00001-of-0000N.safetensors}, {@code
 * base.safetensors.index.json}; one {@code base.safetensors} without an index when everything fits.
 *
 * <p>Tensors fill the shards in the order they are declared. The index appears last.
 */
public final class ShardedSafetensorsWriter implements TensorSink {

  /**
   * What to write.
   *
   * @param baseName such as {@code diffusion_pytorch_model} or {@code model}
   * @param maxShardBytes payload of a shard; a larger tensor gets a shard of its own
   */
  public record Request(
      Path folder,
      String baseName,
      long maxShardBytes,
      List<TensorInfo> tensors,
      Map<String, String> metadata) {

    public Request {
      if (maxShardBytes < 1) {
        throw new CheckpointException(
            "%s: expected shards of at least 1 byte, found %d".formatted(folder, maxShardBytes));
      }
      tensors = List.copyOf(tensors);
      metadata = Map.copyOf(metadata);
    }
  }

  private final Request request;
  private final List<SafetensorsWriter> shards = new ArrayList<>();
  private final Map<String, SafetensorsWriter> holders = new LinkedHashMap<>();
  private final Map<String, String> weightMap = new TreeMap<>();

  private ShardedSafetensorsWriter(Request request) {
    this.request = request;
  }

  public static ShardedSafetensorsWriter create(Request request) {
    ShardedSafetensorsWriter writer = new ShardedSafetensorsWriter(request);
    try {
      List<List<TensorInfo>> groups = groups(request);
      for (int i = 0; i < groups.size(); i++) {
        writer.addShard(groups.get(i), fileName(request.baseName(), i + 1, groups.size()));
      }
      return writer;
    } catch (RuntimeException failure) {
      writer.close();
      throw failure;
    }
  }

  private static List<List<TensorInfo>> groups(Request request) {
    List<List<TensorInfo>> groups = new ArrayList<>();
    List<TensorInfo> group = new ArrayList<>();
    long size = 0;
    for (TensorInfo info : request.tensors()) {
      if (!group.isEmpty() && info.byteCount() > request.maxShardBytes() - size) {
        groups.add(group);
        group = new ArrayList<>();
        size = 0;
      }
      group.add(info);
      size += info.byteCount();
    }
    groups.add(group);
    return groups;
  }

  private static String fileName(String baseName, int number, int count) {
    return count == 1
        ? baseName + ".safetensors"
        : String.format(Locale.ROOT, "%s-%05d-of-%05d.safetensors", baseName, number, count);
  }

  private void addShard(List<TensorInfo> group, String fileName) {
    Path target = request.folder().resolve(fileName);
    SafetensorsWriter shard = SafetensorsWriter.create(target, group, request.metadata());
    shards.add(shard);
    for (TensorInfo info : group) {
      if (holders.putIfAbsent(info.name(), shard) != null) {
        throw new CheckpointException(
            "%s: tensor '%s' is declared twice".formatted(request.folder(), info.name()));
      }
      weightMap.put(info.name(), fileName);
    }
  }

  @Override
  public void append(String name, ByteBuffer bytes) {
    holder(name).append(name, bytes);
  }

  @Override
  public void fill(String name, Payload payload) {
    holder(name).fill(name, payload);
  }

  /**
   * {@inheritDoc}
   *
   * <p>An older index goes before the first shard of several takes its name: whatever interrupts
   * the commit, no index leads to old and new shards together.
   */
  @Override
  public void commit() {
    Path index = request.folder().resolve(request.baseName() + ".safetensors.index.json");
    new CommitLock(request.folder(), request.baseName())
        .run(
            () -> {
              if (shards.size() > 1) {
                delete(index);
                shards.forEach(SafetensorsWriter::commit);
                AtomicFile.write(index, indexJson());
              } else {
                shards.forEach(SafetensorsWriter::commit);
                // It would hide the single file.
                delete(index);
              }
            });
  }

  private static void delete(Path index) {
    try {
      Files.deleteIfExists(index);
    } catch (IOException failure) {
      throw new CheckpointException("%s: cannot be deleted: %s".formatted(index, failure), failure);
    }
  }

  private byte[] indexJson() {
    long total = request.tensors().stream().mapToLong(TensorInfo::byteCount).sum();
    Map<String, Object> index = new LinkedHashMap<>();
    index.put("metadata", Map.of("total_size", total));
    index.put("weight_map", weightMap);
    return (IndentedJson.write(index) + "\n").getBytes(StandardCharsets.UTF_8);
  }

  @Override
  public void close() {
    Optional<CheckpointException> first = Optional.empty();
    for (SafetensorsWriter shard : shards) {
      try {
        shard.close();
      } catch (CheckpointException failure) {
        first = first.or(() -> Optional.of(failure));
      }
    }
    if (first.isPresent()) {
      throw first.get();
    }
  }

  private SafetensorsWriter holder(String name) {
    return Optional.ofNullable(holders.get(name))
        .orElseThrow(
            () ->
                new CheckpointException(
                    "%s: tensor '%s' was not declared".formatted(request.folder(), name)));
  }
}
