package io.github.tpdiff.lora.train;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.weights.CheckpointException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * Where a run keeps its states: {@code states/step-00000100/state.safetensors}, beside each what
 * the {@link SnapshotWriter} makes, and the last result in the folder itself.
 *
 * @param folder of the run
 * @param everySteps how often a state is written
 * @param keep how many are kept
 * @param results what is written for users
 */
public record StateFolder(Path folder, int everySteps, int keep, SnapshotWriter results) {
  private static final String STATE = "state.safetensors";
  private static final String PREFIX = "step-";

  /**
   * @throws IllegalArgumentException if a number is not positive
   */
  public StateFolder {
    checkArgument(everySteps >= 1, "output.save_every: at least 1, found %s", everySteps);
    checkArgument(keep >= 1, "output.keep: at least 1, found %s", keep);
  }

  /** The newest complete state, if there is one. */
  public Optional<Path> latest() {
    List<Path> states = states();
    return states.isEmpty()
        ? Optional.empty()
        : Optional.of(states.get(states.size() - 1).resolve(STATE));
  }

  /** Folders of complete states, oldest first; the state itself is written last. */
  private List<Path> states() {
    Path states = folder.resolve("states");
    if (!Files.isDirectory(states)) {
      return List.of();
    }
    try (var entries = Files.list(states)) {
      return entries
          .filter(e -> e.getFileName().toString().matches(PREFIX + "\\d+"))
          .filter(e -> Files.isRegularFile(e.resolve(STATE)))
          .sorted(Comparator.comparing(Path::toString))
          .toList();
    } catch (IOException failure) {
      throw new CheckpointException("%s: cannot be listed: %s".formatted(states, failure), failure);
    }
  }

  Path save(TrainingState state, Map<String, String> identity) {
    Path own =
        folder.resolve("states").resolve(String.format(Locale.ROOT, PREFIX + "%08d", state.step()));
    results.write(own, new TrainingSnapshot(state.step(), state.parameters()));
    state.write(own.resolve(STATE), identity);
    List<Path> states = states();
    states.subList(0, Math.max(0, states.size() - keep)).forEach(StateFolder::delete);
    return own;
  }

  private static void delete(Path state) {
    try {
      // First the state, so that what is half deleted is no state.
      Files.deleteIfExists(state.resolve(STATE));
      var rest = new ArrayList<Path>();
      try (var walk = Files.walk(state)) {
        walk.forEach(rest::add);
      }
      for (int i = rest.size() - 1; i >= 0; i--) {
        Files.deleteIfExists(rest.get(i));
      }
    } catch (IOException failure) {
      throw new CheckpointException("%s: cannot be deleted: %s".formatted(state, failure), failure);
    }
  }
}
