package io.github.tpdiff.spark;

import io.github.tpdiff.runtime.graph.GraphException;
import io.github.tpdiff.weights.CheckpointException;
import java.util.Optional;
import org.apache.spark.SparkEnv;

/**
 * What this process keeps open between tasks: one workshop, however many cores it has. Static, as
 * tasks have nothing else in common.
 */
final class Executor {
  private static Optional<Opened> opened = Optional.empty();

  private record Opened(Task task, Workshop workshop) {}

  private Executor() {}

  /** What comes of an item; what fails after everything was opened may be tried again. */
  static synchronized Answer make(Task task, String item) {
    Workshop workshop;
    try {
      workshop = workshop(task);
    } catch (RuntimeException | LinkageError failure) {
      if (isOfNoUse(failure)) {
        return Answer.refused(here() + reason(failure));
      }
      throw failure;
    }
    return Answer.result(workshop.make(item));
  }

  private static Workshop workshop(Task task) {
    if (opened.isPresent() && opened.get().task().equals(task)) {
      return opened.get().workshop();
    }
    close();
    var own = new Opened(task, task.open());
    opened = Optional.of(own);
    return own.workshop();
  }

  /** Frees what is open. */
  static synchronized void close() {
    opened.ifPresent(own -> own.workshop().close());
    opened = Optional.empty();
  }

  /** Whether a failure is one of input or of this machine, which trying again does not mend. */
  static boolean isOfNoUse(Throwable failure) {
    return failure instanceof CheckpointException
        || failure instanceof GraphException
        || failure instanceof IllegalArgumentException
        || failure instanceof LinkageError;
  }

  /** One line. */
  static String reason(Throwable failure) {
    String words =
        failure instanceof LinkageError
            ? "a native library cannot be loaded on %s %s: %s"
                .formatted(System.getProperty("os.name"), System.getProperty("os.arch"), failure)
            : String.valueOf(failure.getMessage());
    return words.strip().replaceAll("\\s*\\R\\s*", "; ");
  }

  /** Which executor this is, for errors. */
  static String here() {
    SparkEnv env = SparkEnv.get();
    return env == null
        ? ""
        : "executor %s on %s: "
            .formatted(env.executorId(), env.blockManager().blockManagerId().host());
  }
}
