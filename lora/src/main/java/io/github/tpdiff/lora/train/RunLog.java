package io.github.tpdiff.lora.train;

import java.nio.file.Path;

/**
 * Where a training is written down as it goes: rows, sampled videos, how it ended. All logs of a
 * run are told the same, on the training thread.
 */
public interface RunLog extends AutoCloseable {
  /** Opens a log for a run that begins. */
  @FunctionalInterface
  interface Opening {
    RunLog open(Start start);
  }

  /**
   * Where a run begins.
   *
   * @param folder of the run
   * @param stages their number
   * @param steps to the end
   * @param step from which it goes on; 0 for a new run, whose log begins anew
   */
  record Start(Path folder, int stages, int steps, int step) {}

  /** A row that the run had written before it went on. */
  default void earlier(LogRow row) {}

  /** How it goes, after a step and before what is due after it. */
  default void progressed(TrainingProgress progress) {}

  /** A row. */
  void row(LogRow row);

  /** A video was sampled and written. */
  default void sampled(SampleShown sample) {}

  /** Something that the user should know. */
  default void warned(String line) {}

  /** What was told so far has to be on disk: the state that it belongs to is written next. */
  default void force() {}

  /** The last step is done. */
  default void finished() {}

  /** The run ends, finished or not. */
  @Override
  void close();
}
