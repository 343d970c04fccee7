package io.github.tpdiff.conformance.bench;

import io.github.tpdiff.cli.ExitCode;
import io.github.tpdiff.cli.TerminalWriter;
import io.github.tpdiff.runtime.model.Families;
import io.github.tpdiff.runtime.model.ModelRequest;
import io.github.tpdiff.runtime.model.VideoModel;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code tpdiff bench}: measures a checkpoint, or one made up for the purpose. */
@Command(
    name = "bench",
    description = {
      "Measures staged against vanilla sampling and torch against ONNX Runtime in one run.",
      "Exits 1 if a plan's speed-up is below 0.9 of what the cost model predicts."
    },
    footer = {
      "  tpdiff bench --rounds 1 --blocks 1",
      "  tpdiff bench --rates 2x2x2,2x2x2 --rates 2,2 --split 2-2-1 --steps 5",
      "  tpdiff bench --checkpoint checkpoint --engines torch --rounds 0 --plain-load"
    })
public final class BenchCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Mixin private BenchCheckpoint checkpoint = new BenchCheckpoint();

  @Mixin private BenchOptions options = new BenchOptions();

  @Option(names = "--json", description = "print one JSON document")
  private boolean json;

  @Override
  public Integer call() throws IOException {
    try (BenchCheckpoint.Folder folder = checkpoint.folder()) {
      return measure(folder.path(), folder.scratch());
    }
  }

  private int measure(Path folder, Path exports) {
    try (VideoModel model = Families.open(ModelRequest.of(folder))) {
      BenchResult result = new Bench(options, model, exports).run();
      PrintWriter out = spec.commandLine().getOut();
      if (json) {
        TerminalWriter.printJson(out, result.json());
      } else {
        result.lines().forEach(out::println);
      }
      out.flush();
      return result.passed() ? ExitCode.DONE : ExitCode.CHECK_FAILED;
    }
  }
}
