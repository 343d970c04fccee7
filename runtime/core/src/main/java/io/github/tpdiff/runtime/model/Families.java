package io.github.tpdiff.runtime.model;

import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.checkpoint.CheckpointFiles;
import io.github.tpdiff.weights.checkpoint.OpenCheckpoints;
import io.github.tpdiff.weights.layout.Stranger;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/** The model families on the class path. */
public final class Families {
  private static final Set<String> CONFIGURATIONS = Set.of("model_index.json", "config.json");

  private Families() {}

  /** Opens a checkpoint that is all in one place, as it is. */
  public static VideoModel open(Path path) {
    return open(ModelRequest.of(path));
  }

  /**
   * Opens a checkpoint of whichever family it is.
   *
   * @throws CheckpointException if it belongs to none
   */
  public static VideoModel open(ModelRequest request) {
    return of(request.path()).open(request);
  }

  /**
   * The family of a checkpoint.
   *
   * @throws CheckpointException if it belongs to none
   */
  private static ModelFamily of(Path path) {
    if (!Files.exists(path)) {
      throw new CheckpointException(path + ": expected a checkpoint folder, found nothing");
    }
    return ModelFamily.all().stream()
        .filter(family -> family.recognises(path))
        .findFirst()
        .orElseThrow(() -> unknown(path));
  }

  private static CheckpointException unknown(Path folder) {
    return new CheckpointException(
        "%s: no checkpoint of a known family (%s)%s; expected a folder as published on the Hugging Face hub"
            .formatted(
                folder,
                String.join(", ", ModelFamily.all().stream().map(ModelFamily::name).toList()),
                foundClass(folder)
                    .map(name -> ", but of a " + name)
                    .or(() -> stranger(folder).map(name -> ", but " + name))
                    .orElse("")));
  }

  /**
   * A network that no family here runs.
   *
   * @throws CheckpointException if a file cannot be read: then that is what is wrong
   */
  private static Optional<String> stranger(Path path) {
    if (Files.isDirectory(path) && CheckpointFiles.find(path).isEmpty()) {
      return Optional.empty();
    }
    try (OpenCheckpoints opened = OpenCheckpoints.in(path)) {
      return opened.byFile().values().stream()
          .flatMap(source -> Stranger.find(source).stream())
          .findFirst();
    }
  }

  /**
   * The class that the folder's configurations name first.
   *
   * @throws CheckpointException if one of them is damaged: then that is what is wrong
   */
  private static Optional<String> foundClass(Path folder) {
    var names = new ArrayList<String>();
    try (Stream<Path> found =
        Files.find(
            folder,
            2,
            (file, attributes) ->
                attributes.isRegularFile()
                    && CONFIGURATIONS.contains(file.getFileName().toString()))) {
      for (Path file : found.sorted(Comparator.comparing(Path::getNameCount)).toList()) {
        ConfigFile.open(file).className().ifPresent(names::add);
      }
    } catch (IOException failure) {
      throw new CheckpointException(
          "%s: cannot be listed: %s".formatted(folder, failure.getMessage()), failure);
    }
    return names.stream().findFirst();
  }
}
