package io.github.tpdiff.conformance.bench;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.cli.ComputeOption;
import io.github.tpdiff.cli.ExitCode;
import io.github.tpdiff.runtime.engine.Activations;
import io.github.tpdiff.runtime.model.Families;
import io.github.tpdiff.runtime.model.ModelRequest;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.runtime.torch.TorchEngine;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code tpdiff bench-train}: measures a training step of a LoRA beside its prediction. */
@Command(
    name = "bench-train",
    description = {
      "Measures the time and the peak memory of a LoRA's training steps, beside what the cost model"
          + " predicts.",
      "Memory is the process's own largest resident set: one kind of step a run."
    },
    footer = {
      "  tpdiff bench-train --blocks 4 --text 512",
      "  tpdiff bench-train --checkpoint checkpoint --activations kept"
    })
public final class TrainBenchCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Mixin private BenchCheckpoint checkpoint = new BenchCheckpoint();

  @Mixin private BenchSize size = new BenchSize();

  @Mixin private ComputeOption compute = new ComputeOption();

  @Option(
      names = "--rank",
      defaultValue = "32",
      description = "of the LoRA, on the family's usual layers (default: ${DEFAULT-VALUE})")
  private int rank = 32;

  @Option(
      names = "--activations",
      defaultValue = "RECOMPUTED",
      description = "one of ${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE})")
  private Activations activations = Activations.RECOMPUTED;

  @Option(
      names = "--steps",
      defaultValue = "5",
      description = "steps after one to warm up (default: ${DEFAULT-VALUE})")
  private int steps = 5;

  @Override
  public Integer call() throws IOException {
    checkArgument(steps >= 1, "--steps: at least 1, found %s", steps);
    PrintWriter out = spec.commandLine().getOut();
    try (BenchCheckpoint.Folder folder = checkpoint.folder();
        VideoModel model = Families.open(ModelRequest.of(folder.path()));
        TorchEngine engine = TorchEngine.best().computing(compute.arithmetic())) {
      BenchModel cut = size.cut(model);
      var bench = new TrainBench(cut, size.latents(cut), rank, activations);
      TrainBench.Result result = bench.run(engine, steps);
      out.println(engine.description());
      result.lines().forEach(out::println);
      out.flush();
    }
    return ExitCode.DONE;
  }
}
