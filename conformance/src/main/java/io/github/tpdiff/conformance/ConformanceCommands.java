package io.github.tpdiff.conformance;

import io.github.tpdiff.cli.CommandProvider;
import io.github.tpdiff.conformance.bench.BenchCommand;
import io.github.tpdiff.conformance.bench.FileBenchCommand;
import io.github.tpdiff.conformance.bench.TrainBenchCommand;
import java.util.List;

/** The commands {@code conformance}, {@code bench}, {@code bench-train} and {@code bench-files}. */
public final class ConformanceCommands implements CommandProvider {
  @Override
  public List<Object> commands() {
    return List.of(
        new ConformanceCommand(),
        new BenchCommand(),
        new TrainBenchCommand(),
        new FileBenchCommand());
  }
}
