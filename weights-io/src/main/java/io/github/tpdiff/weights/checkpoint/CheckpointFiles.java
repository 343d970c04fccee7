package io.github.tpdiff.weights.checkpoint;

import io.github.tpdiff.weights.CheckpointException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Finds every checkpoint of a model that lies in a folder and its direct subfolders. */
public final class CheckpointFiles {

  private static final Pattern SHARD = Pattern.compile(".*-\\d{5}-of-\\d{5}\\.[a-z]+");

  /** Copies of the same weights in another type, or without averaging. */
  private static final Pattern VARIANT = Pattern.compile(".*\\.(fp16|bf16|non_ema)[.-].*");

  private CheckpointFiles() {}

  /**
   * The files to open: the file itself, or what the folder and its subfolders hold; one for each
   * sharded checkpoint, and the preferred one where a folder has the same weights in several forms.
   *
   * @throws CheckpointException when there is none
   */
  public static List<Path> in(Path path) {
    if (!Files.isDirectory(path)) {
      return List.of(path);
    }
    List<Path> files = new ArrayList<>(inFolder(path));
    for (Path child : list(path)) {
      if (Files.isDirectory(child)) {
        files.addAll(inFolder(child));
      }
    }
    if (files.isEmpty()) {
      throw new CheckpointException(
          "%s: no checkpoint in this folder or its subfolders".formatted(path));
    }
    return List.copyOf(files);
  }

  private static List<Path> inFolder(Path folder) {
    List<Path> candidates =
        list(folder).stream().filter(Files::isRegularFile).filter(CheckpointFiles::isOne).toList();
    List<Path> published =
        Checkpoint.FILE_NAMES.stream()
            .map(folder::resolve)
            .filter(candidates::contains)
            .limit(1)
            .toList();
    List<Path> others =
        candidates.stream()
            .filter(file -> !Checkpoint.FILE_NAMES.contains(name(file)))
            .filter(file -> !VARIANT.matcher(name(file)).matches() || candidates.size() == 1)
            .toList();
    List<Path> found = new ArrayList<>(published);
    found.addAll(others);
    return found;
  }

  private static boolean isOne(Path file) {
    String name = name(file);
    return !name.startsWith(".")
        && Checkpoint.SUFFIXES.stream().anyMatch(name::endsWith)
        && !(SHARD.matcher(name).matches() && hasIndex(file));
  }

  private static boolean hasIndex(Path shard) {
    String base = name(shard).replaceFirst("-\\d{5}-of-\\d{5}(\\.[a-z]+)$", "$1.index.json");
    return Files.isRegularFile(shard.resolveSibling(base));
  }

  private static List<Path> list(Path folder) {
    try (Stream<Path> files = Files.list(folder)) {
      return files.sorted().toList();
    } catch (IOException failure) {
      throw new CheckpointException("%s: cannot be read: %s".formatted(folder, failure), failure);
    }
  }

  private static String name(Path file) {
    return String.valueOf(file.getFileName());
  }
}
