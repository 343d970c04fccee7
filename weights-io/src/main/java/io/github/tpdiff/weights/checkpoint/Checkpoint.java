package io.github.tpdiff.weights.checkpoint;

import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.pickle.TorchFile;
import io.github.tpdiff.weights.safetensors.SafetensorsFile;
import io.github.tpdiff.weights.safetensors.ShardedTensors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** Opens checkpoints of any format this project reads. */
public final class Checkpoint {

  /** Names of checkpoints in folders of the Hugging Face hub, preferred first. */
  static final List<String> FILE_NAMES =
      List.of(
          "diffusion_pytorch_model.safetensors.index.json",
          "diffusion_pytorch_model.safetensors",
          "model.safetensors.index.json",
          "model.safetensors",
          "diffusion_pytorch_model.bin.index.json",
          "diffusion_pytorch_model.bin",
          "pytorch_model.bin.index.json",
          "pytorch_model.bin");

  static final List<String> SUFFIXES =
      List.of(
          ".safetensors.index.json",
          ".safetensors",
          ".bin.index.json",
          ".pth",
          ".pt",
          ".bin",
          ".ckpt");

  private static final List<String> WRAPPERS =
      List.of("state_dict/", "model_state_dict/", "model/state_dict/", "model/");

  private Checkpoint() {}

  /**
   * Opens a file (safetensors, a torch pickle, an index of shards of either) or the one checkpoint
   * of a folder.
   *
   * @throws CheckpointException when there is none, more than one to choose from, or it is damaged
   */
  public static TensorSource open(Path path) {
    Path file = Files.isDirectory(path) ? fileIn(path) : path;
    String name = String.valueOf(file.getFileName());
    if (name.endsWith(".json")) {
      return ShardedTensors.open(file, Checkpoint::single);
    }
    TensorSource source = single(file);
    return source instanceof TorchFile torch ? unwrapped(torch) : source;
  }

  private static TensorSource single(Path file) {
    String name = String.valueOf(file.getFileName());
    return name.endsWith(".safetensors") || name.endsWith(".sft")
        ? SafetensorsFile.open(file)
        : TorchFile.open(file);
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

  private static Path fileIn(Path folder) {
    for (String name : FILE_NAMES) {
      Path file = folder.resolve(name);
      if (Files.isRegularFile(file)) {
        return file;
      }
    }
    for (String suffix : SUFFIXES) {
      List<Path> found = filesIn(folder, suffix);
      if (found.size() == 1) {
        return found.get(0);
      }
      if (found.size() > 1) {
        throw new CheckpointException(
            "%s: expected one checkpoint, found %s; give the file itself"
                .formatted(folder, found.stream().map(Path::getFileName).toList()));
      }
    }
    throw new CheckpointException(
        "%s: no checkpoint in this folder; expected one of %s".formatted(folder, FILE_NAMES));
  }

  private static List<Path> filesIn(Path folder, String suffix) {
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .filter(file -> file.getFileName().toString().endsWith(suffix))
          .filter(Files::isRegularFile)
          .sorted()
          .toList();
    } catch (IOException failure) {
      throw new CheckpointException("%s: cannot be read: %s".formatted(folder, failure), failure);
    }
  }
}
