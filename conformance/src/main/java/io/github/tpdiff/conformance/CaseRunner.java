package io.github.tpdiff.conformance;

import io.github.tpdiff.conformance.golden.CaseException;
import io.github.tpdiff.conformance.golden.CaseKind;
import io.github.tpdiff.conformance.golden.Checks;
import io.github.tpdiff.conformance.golden.GoldenCase;
import io.github.tpdiff.conformance.golden.Outcome;
import io.github.tpdiff.conformance.golden.StoredType;
import io.github.tpdiff.runtime.engine.TrainingEngine;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Stream;

/** Runs case folders; whatever happens in a case becomes its result and stops nothing. */
final class CaseRunner {
  private static final String NO_ENGINE = "java";

  private final EngineSet engines;
  private final Consumer<CaseResult> listener;

  CaseRunner(EngineSet engines, Consumer<CaseResult> listener) {
    this.engines = engines;
    this.listener = listener;
  }

  /** The case folders in and below {@code folder}, by path. */
  static List<Path> casesIn(Path folder) throws IOException {
    try (Stream<Path> paths = Files.walk(folder)) {
      return paths
          .filter(path -> path.getFileName().toString().equals("case.json"))
          .map(path -> path.toAbsolutePath().normalize())
          .flatMap(path -> Optional.ofNullable(path.getParent()).stream())
          .sorted()
          .toList();
    }
  }

  /** Runs a case on everything that computes it. */
  void run(Path folder) {
    String name = folder.getNameCount() < 2 ? folder.toString() : lastTwo(folder).toString();
    var attempt = new Attempt(name);
    try (GoldenCase golden = GoldenCase.open(folder)) {
      Optional<CaseKind> kind = Kinds.find(golden.family(), golden.kind());
      if (kind.isEmpty()) {
        attempt.report(
            NO_ENGINE,
            () ->
                Outcome.failed(
                    "kind "
                        + golden.kind()
                        + " of family "
                        + golden.family()
                        + " is not supported"));
        return;
      }
      attempt.describe(golden);
      run(golden, kind.get(), attempt);
    } catch (Exception failure) {
      attempt.report(NO_ENGINE, () -> Outcome.failed(line(failure)));
    }
  }

  private static Path lastTwo(Path folder) {
    return folder.subpath(folder.getNameCount() - 2, folder.getNameCount());
  }

  private void run(GoldenCase golden, CaseKind kind, Attempt attempt) {
    if (kind instanceof CaseKind.Plain plain) {
      attempt.report(NO_ENGINE, () -> checked(golden, checks -> plain.check(golden, checks)));
      return;
    }
    for (String engine : engines.names()) {
      if (kind instanceof CaseKind.OnEngine onEngine) {
        attempt.report(
            engine,
            () ->
                checked(golden, checks -> onEngine.check(golden, engines.require(engine), checks)));
      } else if (kind instanceof CaseKind.Training training
          && engines.require(engine) instanceof TrainingEngine trainer) {
        attempt.report(
            engine, () -> checked(golden, checks -> training.check(golden, trainer, checks)));
      }
    }
  }

  private static Outcome checked(GoldenCase golden, Body body) throws IOException {
    var checks = new Checks(golden);
    StoredType.check(golden, checks);
    body.run(checks);
    golden.unread().forEach(checks::fail);
    return checks.outcome();
  }

  /** What fills in the comparisons of a case. */
  private interface Body {
    void run(Checks checks) throws IOException;
  }

  /** What gives a case's outcome. */
  private interface Work {
    Outcome outcome() throws IOException;
  }

  /** Times the work of a case and reports it. */
  private final class Attempt {
    private final String name;
    private String kind = "";
    private String tolerance = "";

    Attempt(String name) {
      this.name = name;
    }

    void describe(GoldenCase golden) {
      kind = golden.kind();
      tolerance = golden.limitsText();
    }

    void report(String engine, Work work) {
      long start = System.nanoTime();
      Outcome outcome;
      try {
        outcome = work.outcome();
      } catch (Exception | StackOverflowError | OutOfMemoryError | LinkageError failure) {
        outcome = Outcome.failed(line(failure));
      }
      double seconds = (System.nanoTime() - start) / 1e9;
      listener.accept(new CaseResult(name, kind, engine, tolerance, outcome, seconds));
    }
  }

  private static String line(Throwable failure) {
    String message = String.valueOf(failure.getMessage()).strip().replaceAll("\\s*\\R\\s*", "; ");
    return failure instanceof CaseException
        ? message
        : failure.getClass().getSimpleName() + ": " + message;
  }
}
