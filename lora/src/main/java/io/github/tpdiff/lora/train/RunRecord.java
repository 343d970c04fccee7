package io.github.tpdiff.lora.train;

import io.github.tpdiff.weights.CheckpointException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/**
 * What a training leaves in its output folder: states, the log, and at the end the result. Nothing,
 * for a run without a folder.
 */
final class RunRecord implements AutoCloseable {
  private final Optional<StateFolder> folder;
  private final Map<String, String> identity;
  private Optional<StateFolder.Found> found;
  private final Optional<TrainingLog> log;

  private RunRecord(TrainingRun run, Map<String, String> identity) {
    this.folder = run.states();
    this.identity = identity;
    this.found = folder.flatMap(states -> states.newestWhole(run.target().parameters(), identity));
    this.log =
        folder.map(
            states ->
                TrainingLog.open(
                    states.folder(),
                    run.data().stages(),
                    found.map(from -> from.state().step()).orElse(0)));
  }

  /**
   * Finds where a run begins.
   *
   * @param arithmetic in which the engine computes
   * @throws CheckpointException if there are states and the run is to be a new one, or the states
   *     are of another run or all damaged
   */
  static RunRecord open(TrainingRun run, String arithmetic) {
    run.states().ifPresent(states -> states.requireStart(run.start()));
    // A run without a folder is compared with nothing.
    var record = new RunRecord(run, run.states().isEmpty() ? Map.of() : run.identity(arithmetic));
    run.states().ifPresent(states -> states.results().begin(states.folder()));
    return record;
  }

  /**
   * The state to go on from, held here no longer; empty for a run from the first values, and the
   * second time.
   */
  Optional<TrainingState> takeState() {
    Optional<TrainingState> state = found.map(StateFolder.Found::state);
    found = Optional.empty();
    return state;
  }

  /** Tells of the state that the run goes on from. */
  void announce(TrainingListener listener) {
    found.ifPresent(from -> listener.resumed(from.file(), from.damaged()));
  }

  /** The running means of the losses so far. */
  SmoothedLoss smoothed() {
    return log.map(TrainingLog::smoothed).orElseGet(SmoothedLoss::new);
  }

  /** The validation before the first step. */
  void started(Map<Integer, Double> validation) {
    log.filter(l -> !validation.isEmpty()).ifPresent(l -> l.started(validation));
  }

  /** A step, with the validation after it if there was one. */
  void stepped(TrainingProgress progress, Map<Integer, Double> validation) {
    log.ifPresent(l -> l.stepped(progress, validation));
  }

  /** Writes a state, and what is written beside it. */
  Optional<Path> save(TrainingState state) {
    log.ifPresent(TrainingLog::force);
    return folder.map(states -> states.save(state, identity));
  }

  /** Writes the result. */
  void finish(TrainingSnapshot snapshot) {
    folder.ifPresent(states -> states.results().write(states.folder(), snapshot));
  }

  @Override
  public void close() {
    log.ifPresent(TrainingLog::close);
  }
}
