package io.github.tpdiff.lora.train;

import io.github.tpdiff.weights.CheckpointException;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a training leaves in its output folder: states, logs, and at the end the result. Nothing,
 * for a run without a folder.
 */
final class RunRecord implements AutoCloseable {
  private final Optional<StateFolder> folder;
  private final Map<String, String> identity;
  private Optional<StateFolder.Found> found;
  private final List<RunLog> logs = new ArrayList<>();
  private SmoothedLoss smoothed = new SmoothedLoss();

  private RunRecord(TrainingRun run, Map<String, String> identity) {
    this.folder = run.states();
    this.identity = identity;
    this.found = folder.flatMap(states -> states.newestWhole(run.target().parameters(), identity));
    folder.ifPresent(states -> open(run, states.folder()));
  }

  private void open(TrainingRun run, Path place) {
    var start =
        new RunLog.Start(
            place,
            run.data().stages(),
            run.settings().steps(),
            found.map(from -> from.state().step()).orElse(0));
    try {
      TrainingLog rows = TrainingLog.open(start);
      logs.add(rows);
      logs.add(EventLog.open(start, Clock.systemUTC()));
      run.logs().forEach(log -> logs.add(log.open(start)));
      rows.replay(row -> logs.forEach(log -> log.earlier(row)));
      smoothed = rows.smoothed();
    } catch (RuntimeException failure) {
      close();
      throw failure;
    }
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
    found.ifPresent(
        from -> {
          listener.resumed(from.file(), from.damaged());
          from.damaged().forEach(line -> warned("passed over: " + line));
        });
  }

  /** The running means of the losses so far. */
  SmoothedLoss smoothed() {
    return smoothed;
  }

  /** The validation before the first step. */
  void started(Map<Integer, Double> validation) {
    if (!validation.isEmpty()) {
      logs.forEach(log -> log.row(LogRow.started(validation)));
    }
  }

  /** How it goes after a step, before what is due after it. */
  void progressed(TrainingProgress progress) {
    logs.forEach(log -> log.progressed(progress));
  }

  /** A step, with the validation after it if there was one. */
  void stepped(TrainingProgress progress, Map<Integer, Double> validation) {
    logs.forEach(log -> log.row(LogRow.stepped(progress, validation)));
  }

  /** A sampled video. */
  void sampled(SampleShown sample) {
    logs.forEach(log -> log.sampled(sample));
  }

  /** Something that the user should know. */
  void warned(String line) {
    logs.forEach(log -> log.warned(line));
  }

  /** Writes a state, and what is written beside it. */
  Optional<Path> save(TrainingState state) {
    logs.forEach(RunLog::force);
    return folder.map(states -> states.save(state, identity));
  }

  /** Writes the result. */
  void finish(TrainingSnapshot snapshot) {
    folder.ifPresent(states -> states.results().write(states.folder(), snapshot));
    logs.forEach(RunLog::finished);
  }

  @Override
  public void close() {
    logs.forEach(RunLog::close);
    logs.clear();
  }
}
