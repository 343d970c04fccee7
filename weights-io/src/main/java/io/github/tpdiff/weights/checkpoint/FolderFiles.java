package io.github.tpdiff.weights.checkpoint;

import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.safetensors.ShardedTensors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The checkpoints that lie in one folder, by the names of its files. */
final class FolderFiles {

  /** Names of checkpoints in folders of the Hugging Face hub, preferred first. */
  private static final List<String> PUBLISHED =
      List.of(
          "diffusion_pytorch_model.safetensors",
          "model.safetensors",
          "diffusion_pytorch_model.bin",
          "pytorch_model.bin");

  /** GGUF is not read, but where there is nothing else its reader says so. */
  private static final List<String> SUFFIXES =
      List.of(".safetensors", ".pth", ".pt", ".bin", ".ckpt", ".sft", ".gguf");

  private static final Pattern INDEX =
      Pattern.compile("(.+\\.(?:safetensors|bin))\\.index(?:\\.([A-Za-z0-9_]+))?\\.json");

  /** Copies of the same weights in another type, or without averaging. */
  private static final Pattern VARIANT =
      Pattern.compile("(.+)\\.(fp16|bf16|fp32|fp8|non_ema)(\\..+)");

  /**
   * One checkpoint.
   *
   * @param file what to open: the file, an index, or the first of its shards
   * @param name as if it were one file without a variant
   * @param variant such as {@code fp16}, or nothing
   * @param rank in the order of preference of the same name: index, file, shards without an index
   */
  record Choice(Path file, String name, String variant, int rank) {}

  private final Path folder;
  private final List<Choice> choices;

  private FolderFiles(Path folder, List<Choice> choices) {
    this.folder = folder;
    this.choices = choices;
  }

  /**
   * Looks at the names.
   *
   * @throws CheckpointException when the folder or an index in it cannot be read
   */
  static FolderFiles in(Path folder) {
    List<Path> files =
        list(folder).stream().filter(Files::isRegularFile).filter(FolderFiles::isShown).toList();
    Set<String> indexed = new HashSet<>();
    List<Choice> found = new ArrayList<>();
    for (Path file : files) {
      Matcher index = INDEX.matcher(name(file));
      if (index.matches()) {
        indexed.addAll(ShardedTensors.shards(file));
        found.add(
            new Choice(file, index.group(1), Optional.ofNullable(index.group(2)).orElse(""), 0));
      }
    }
    Map<String, Choice> joined = new LinkedHashMap<>();
    for (Path file : files) {
      if (SUFFIXES.stream().anyMatch(name(file)::endsWith) && !indexed.contains(name(file))) {
        Optional<Shard> shard = Shard.of(file);
        Choice choice = choice(file, shard.map(Shard::wholeName).orElse(name(file)), shard);
        joined.putIfAbsent(
            shard.map(part -> part.count() + part.wholeName()).orElse(name(file)), choice);
      }
    }
    found.addAll(joined.values());
    found.sort(Comparator.comparing(Choice::file));
    return new FolderFiles(folder, found);
  }

  private static Choice choice(Path file, String whole, Optional<Shard> shard) {
    Matcher variant = VARIANT.matcher(whole);
    int rank = shard.isPresent() ? 2 : 1;
    return variant.matches()
        ? new Choice(file, variant.group(1) + variant.group(3), variant.group(2), rank)
        : new Choice(file, whole, "", rank);
  }

  /**
   * The one to open where one is wanted: that of a published name, without a variant if there is
   * such; else the only one of the first suffix that occurs.
   *
   * @throws CheckpointException when there is none, or more than one to choose from
   */
  Path one() {
    Optional<Path> published = published();
    if (published.isPresent()) {
      return published.get();
    }
    for (String suffix : SUFFIXES) {
      List<Choice> found =
          choices.stream().filter(choice -> choice.name().endsWith(suffix)).toList();
      List<Choice> plain = found.stream().filter(choice -> choice.variant().isEmpty()).toList();
      if (!found.isEmpty()) {
        return only(plain.isEmpty() ? found : plain);
      }
    }
    throw new CheckpointException(
        "%s: no checkpoint in this folder; expected one of %s".formatted(folder, PUBLISHED));
  }

  /** That of a published name and every other one that is no variant of one that is there. */
  List<Path> all() {
    List<Path> files = new ArrayList<>();
    published().ifPresent(files::add);
    for (Choice choice : choices) {
      boolean variant =
          !choice.variant().isEmpty()
              && choices.stream()
                  .anyMatch(
                      other -> other.variant().isEmpty() && other.name().equals(choice.name()));
      if (!PUBLISHED.contains(choice.name()) && !variant) {
        files.add(choice.file());
      }
    }
    return files;
  }

  private Optional<Path> published() {
    for (boolean plain : new boolean[] {true, false}) {
      for (String name : PUBLISHED) {
        List<Choice> found =
            choices.stream()
                .filter(choice -> choice.name().equals(name))
                .filter(choice -> choice.variant().isEmpty() == plain)
                .toList();
        if (!found.isEmpty()) {
          return Optional.of(only(found));
        }
      }
    }
    return Optional.empty();
  }

  /** The preferred one, where all are of one name and variant. */
  private Path only(List<Choice> found) {
    int best = found.stream().mapToInt(Choice::rank).min().orElseThrow();
    List<Choice> preferred = found.stream().filter(choice -> choice.rank() == best).toList();
    boolean same =
        found.stream().map(choice -> choice.name() + "/" + choice.variant()).distinct().count()
            == 1;
    if (!same || preferred.size() > 1) {
      throw new CheckpointException(
          "%s: expected one checkpoint, found %s; give the file itself"
              .formatted(folder, found.stream().map(choice -> name(choice.file())).toList()));
    }
    return preferred.get(0).file();
  }

  private static boolean isShown(Path file) {
    return !name(file).startsWith(".");
  }

  /** What lies in a folder, in order. */
  static List<Path> list(Path folder) {
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
