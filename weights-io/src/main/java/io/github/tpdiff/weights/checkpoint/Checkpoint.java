package io.github.tpdiff.weights.checkpoint;

import io.github.tpdiff.weights.AtomicFile;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.MappedFile;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.pickle.TorchFile;
import io.github.tpdiff.weights.safetensors.SafetensorsFile;
import io.github.tpdiff.weights.safetensors.ShardedTensors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** Opens checkpoints of any format this project reads. */
public final class Checkpoint {

  private static final List<String> WRAPPERS =
      List.of("state_dict/", "model_state_dict/", "model/state_dict/", "model/");

  private Checkpoint() {}

  /**
   * Opens a file (safetensors, a torch pickle, an index of shards of either) or the one checkpoint
   * of a folder. A shard stands for all of its checkpoint, with or without an index. Tensors stored
   * as eight-bit floats beside a scale, as ComfyUI's {@code fp8_scaled} files have them, appear as
   * the F32 tensors they stand for; {@link TensorSource#stored} tells.
   *
   * @throws CheckpointException when there is none, more than one to choose from, a shard is
   *     missing, or it is damaged
   */
  public static TensorSource open(Path path) {
    TensorSource source = stored(Files.isDirectory(path) ? FolderFiles.in(path).one() : path);
    try {
      return ScaledTensors.of(source);
    } catch (RuntimeException failure) {
      source.close();
      throw failure;
    }
  }

  /** The tensors as they lie in the file. */
  private static TensorSource stored(Path file) {
    String name = String.valueOf(file.getFileName());
    if (name.endsWith(".json")) {
      return ShardedTensors.open(file, Checkpoint::single);
    }
    Optional<Shard> shard = Shard.of(file);
    if (shard.isPresent()) {
      return whole(shard.get());
    }
    TensorSource source = single(file);
    return source instanceof TorchFile torch ? unwrapped(torch) : source;
  }

  /** The checkpoint that a shard is a part of, never the part alone. */
  private static TensorSource whole(Shard shard) {
    String name = String.valueOf(shard.file().getFileName());
    for (String indexName : shard.indexNames()) {
      Path index = shard.file().resolveSibling(indexName);
      if (Files.isRegularFile(index) && ShardedTensors.shards(index).contains(name)) {
        return ShardedTensors.open(index, Checkpoint::single);
      }
    }
    List<Path> all = shard.all();
    for (Path part : all) {
      if (!Files.isRegularFile(part)) {
        throw new CheckpointException(
            "%s: expected all %d shards of the checkpoint beside each other, found no %s"
                .formatted(shard.file(), all.size(), part.getFileName()));
      }
    }
    requireFinished(all);
    return ShardedTensors.join(all, Checkpoint::single);
  }

  /** Shards that no index holds together may be of two versions while they get their names. */
  private static void requireFinished(List<Path> shards) {
    for (Path shard : shards) {
      try {
        if (AtomicFile.isUnfinished(shard)) {
          throw new CheckpointException(
              "%s: expected the shards of one writing, found no index and that writing this one was not finished; write the checkpoint again"
                  .formatted(shard));
        }
      } catch (IOException unreadable) {
        throw new CheckpointException(
            "%s: cannot be read: %s".formatted(shard, AtomicFile.reason(unreadable)), unreadable);
      }
    }
  }

  private static TensorSource single(Path file) {
    String name = String.valueOf(file.getFileName());
    MappedFile opened = MappedFile.openForLong(file);
    return name.endsWith(".safetensors") || name.endsWith(".sft") || hasSafetensorsHeader(opened)
        ? SafetensorsFile.of(opened)
        : TorchFile.of(opened);
  }

  /** After eight bytes for its length a header begins; neither a zip archive nor a pickle does. */
  private static boolean hasSafetensorsHeader(MappedFile file) {
    return file.size() > Long.BYTES && file.slice(Long.BYTES, 1).get(0) == '{';
  }

  /** The model alone, where it was saved beside other things. */
  private static TensorSource unwrapped(TorchFile file) {
    for (String wrapper : WRAPPERS) {
      if (file.names().stream().anyMatch(name -> name.startsWith(wrapper))) {
        return file.renamed(
            name ->
                Optional.of(name)
                    .filter(full -> full.startsWith(wrapper))
                    .map(full -> full.substring(wrapper.length())));
      }
    }
    return file;
  }
}
