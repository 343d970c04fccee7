package io.github.tpdiff.lora.train;

import static com.google.common.base.Preconditions.checkArgument;

import com.google.common.collect.Lists;
import io.github.tpdiff.lora.Parameter;
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
  /** Name of a state's file. */
  public static final String STATE = "state.safetensors";

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

  /**
   * Checks that a run may begin here.
   *
   * @throws CheckpointException if it is to be a new one and there are states
   */
  public void requireStart(TrainingRun.Start start) {
    if (start == TrainingRun.Start.FRESH && latest().isPresent()) {
      throw new CheckpointException(
          "%s: a state of an earlier run is there; resume it or choose another output folder"
              .formatted(latest().get()));
    }
  }

  /**
   * A state that is whole.
   *
   * @param state read
   * @param file it was in
   * @param damaged why newer ones are passed over
   */
  record Found(TrainingState state, Path file, List<String> damaged) {}

  /**
   * The newest state whose bytes are as they were written; empty if there never was one.
   *
   * @throws CheckpointException if none is whole, or the newest whole one is of another run
   */
  Optional<Found> newestWhole(Map<String, Parameter> expected, Map<String, String> identity) {
    var damaged = new ArrayList<String>();
    for (Path state : Lists.reverse(states())) {
      Path file = state.resolve(STATE);
      try {
        StateChecksum.verify(file);
      } catch (CheckpointException notWhole) {
        damaged.add(String.valueOf(notWhole.getMessage()));
        continue;
      }
      return Optional.of(new Found(TrainingState.read(file, expected, identity), file, damaged));
    }
    if (!damaged.isEmpty()) {
      throw new CheckpointException(
          damaged.get(0) + "; no earlier state is whole, so start in another output folder");
    }
    return Optional.empty();
  }

  /** The file of the newest state whose bytes are as they were written, if there is one. */
  public Optional<Path> newestWhole() {
    return Lists.reverse(states()).stream()
        .map(state -> state.resolve(STATE))
        .filter(StateFolder::isWhole)
        .findFirst();
  }

  /** What the newest whole state says of one of its run's settings. */
  public Optional<String> recorded(String setting) {
    return newestWhole().flatMap(file -> TrainingState.recorded(file, setting));
  }

  private static boolean isWhole(Path state) {
    try {
      StateChecksum.verify(state);
      return true;
    } catch (CheckpointException damaged) {
      return false;
    }
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
    results.write(own, state.snapshot());
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
