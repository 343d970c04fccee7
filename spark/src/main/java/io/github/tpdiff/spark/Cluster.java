package io.github.tpdiff.spark;

import io.github.tpdiff.weights.CheckpointException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.spark.SparkException;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.AnalysisException;
import org.apache.spark.sql.SparkSession;

/**
 * The cluster that a verb runs on, with stages that are named as users think of them.
 *
 * @param session Spark's own, closed with this
 */
record Cluster(SparkSession session) implements AutoCloseable {
  /** Items of a task, at most: what a lost executor has to make again. */
  private static final int MOST_ITEMS = 32;

  /** Tasks for each core, at least, so that slow ones are made up for. */
  private static final int TASKS_PER_CORE = 4;

  /** What of a stack trace says which exception ended a task. */
  private static final Pattern INPUT =
      Pattern.compile("(?:CheckpointException|GraphException|IllegalArgumentException): (.+)");

  /**
   * The cluster that spark-submit names.
   *
   * @param name of the application in Spark's pages
   */
  static Cluster open(String name) {
    return new Cluster(SparkSession.builder().appName(name).getOrCreate());
  }

  JavaSparkContext context() {
    return JavaSparkContext.fromSparkContext(session.sparkContext());
  }

  /**
   * What comes of items, in their order; each is made by one executor, and again if that is lost.
   *
   * @param stage what Spark's pages call it
   * @throws CheckpointException if an executor cannot do the task at all, or an item fails as often
   *     as Spark tries, in one line
   */
  List<String> make(String stage, Task task, List<String> items) {
    if (items.isEmpty()) {
      return List.of();
    }
    JavaSparkContext context = context();
    int tasks =
        Math.max(
            Math.min(items.size(), context.defaultParallelism() * TASKS_PER_CORE),
            (items.size() + MOST_ITEMS - 1) / MOST_ITEMS);
    return results(
        named(
            stage,
            () ->
                context
                    .parallelize(items, tasks)
                    .map(item -> Executor.make(task, item))
                    .collect()));
  }

  /** Of answers, the results. */
  static List<String> results(List<Answer> answers) {
    var results = new ArrayList<String>();
    for (Answer answer : answers) {
      if (answer.isRefused()) {
        throw new CheckpointException(answer.text());
      }
      results.add(answer.text());
    }
    return results;
  }

  /** Work of Spark's. */
  interface Job<T> {
    T run() throws Exception;
  }

  /** Runs a job under a name. */
  <T> T named(String stage, Job<T> job) {
    JavaSparkContext context = context();
    context.setCallSite(stage);
    context.sc().setJobDescription(stage);
    try {
      return job.run();
    } catch (Exception failure) {
      Optional<String> line = line(failure);
      if (line.isPresent()) {
        throw new CheckpointException(stage + ": " + line.get(), failure);
      }
      throw failure instanceof RuntimeException unchecked
          ? unchecked
          : new IllegalStateException(failure);
    } finally {
      context.clearCallSite();
      context.sc().setJobDescription(null);
    }
  }

  /** What of Spark's many lines the user can mend. */
  static Optional<String> line(Throwable failure) {
    for (Throwable at = failure; at != null; at = at.getCause()) {
      if (Executor.isOfNoUse(at)) {
        return Optional.of(Executor.reason(at));
      }
      // A scheme that no file system has, a table that is not there.
      if (at instanceof IOException || at instanceof AnalysisException) {
        return String.valueOf(at.getMessage()).lines().findFirst().map(String::strip);
      }
    }
    if (!(failure instanceof SparkException)) {
      return Optional.empty();
    }
    String words = String.valueOf(failure.getMessage());
    Matcher input = INPUT.matcher(words);
    return input.find()
        ? Optional.of(input.group(1))
        : words.lines().findFirst().map(String::strip);
  }

  @Override
  public void close() {
    session.stop();
  }
}
