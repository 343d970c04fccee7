package io.github.tpdiff.conformance.bench;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.VerboseMode;

/** What JMH measured of {@link FileBench}. */
final class FileBenchTimes {
  private static final String OPENING = "openLarge";

  private final Map<String, RunResult> results = new LinkedHashMap<>();

  private FileBenchTimes() {}

  /** Measures everything, for about two minutes. */
  static FileBenchTimes measure(Path where, int mebibytes) {
    var options =
        new OptionsBuilder()
            .include(FileBench.class.getName() + "\\.")
            .param("folder", where.toString())
            .param("mebibytes", Integer.toString(mebibytes))
            .addProfiler(GCProfiler.class)
            .verbosity(VerboseMode.SILENT)
            .shouldFailOnError(true)
            .build();
    var times = new FileBenchTimes();
    try {
      for (RunResult result : new Runner(options).run()) {
        times.results.put(result.getPrimaryResult().getLabel(), result);
      }
    } catch (RunnerException failure) {
      throw new IllegalStateException(failure);
    }
    return times;
  }

  /** Of one call. */
  double seconds(String benchmark) {
    return require(benchmark).getPrimaryResult().getScore();
  }

  /** Bytes of heap that opening a large checkpoint takes. */
  double bytesPerOpening() {
    Map<String, ?> secondary = require(OPENING).getSecondaryResults();
    for (Map.Entry<String, ?> entry : secondary.entrySet()) {
      if (entry.getKey().endsWith("gc.alloc.rate.norm")
          && entry.getValue() instanceof Result<?> r) {
        return r.getScore();
      }
    }
    return Double.NaN;
  }

  private RunResult require(String benchmark) {
    return Optional.ofNullable(results.get(benchmark))
        .orElseThrow(() -> new IllegalStateException(benchmark + " was not measured"));
  }
}
