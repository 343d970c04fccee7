package io.github.tpdiff.cli;

import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.WritablePlace;
import io.github.tpdiff.weights.checkpoint.OpenCheckpoints;
import io.github.tpdiff.weights.layout.Layout;
import io.github.tpdiff.weights.layout.LayoutConversion;
import io.github.tpdiff.weights.layout.Network;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Writes one layout of a checkpoint from the other. */
@Command(
    name = "convert",
    description = {
      "Writes a checkpoint's tensors under the names of diffusers, or under those of its authors.",
      "The networks and their present layout are recognised by the names of their tensors. Weights"
          + " are streamed: any size fits. Files appear when they are complete.",
      "A folder gets the configurations that its tensors, and those beside them, tell; what it lacks"
          + " for other programs to open it is said. Eight-bit floats with scales are multiplied"
          + " out to F32, or to --dtype."
    },
    footer = {
      "  tpdiff convert Wan2.1-T2V-1.3B converted --to diffusers",
      "  tpdiff convert v1-5-pruned.ckpt converted --to diffusers --dtype F16"
    })
final class ConvertCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(index = "0", paramLabel = "SOURCE", description = "A folder or a file of tensors.")
  private Path source;

  @Parameters(
      index = "1",
      paramLabel = "TARGET",
      description = "A folder, or a .safetensors file where one is enough.")
  private Path target;

  @Option(names = "--to", required = true, description = "diffusers or original.")
  private Layout layout;

  @Option(
      names = "--dtype",
      description = "Type to store floating-point tensors as (default: as they are).")
  private @Nullable DType dtype;

  @Option(
      names = "--max-shard-bytes",
      defaultValue = "5000000000",
      description = "Size of a file, where the layout has shards (default ${DEFAULT-VALUE}).")
  private long maxShardBytes;

  @Override
  public Integer call() throws IOException {
    if (!Files.exists(source)) {
      throw new NoSuchFileException(source.toString());
    }
    if (target.toString().endsWith(".safetensors")) {
      WritablePlace.requireFile(target);
    } else {
      WritablePlace.requireFolder(target);
    }
    Optional<DType> stored = Optional.ofNullable(dtype);
    var request =
        new LayoutConversion.Request(target, layout, found -> stored.orElse(found), maxShardBytes);
    try (OpenCheckpoints opened = OpenCheckpoints.in(source)) {
      ConvertedFolder folder = ConvertedFolder.of(opened.byFile().values(), layout);
      LayoutConversion.Report report = LayoutConversion.convert(opened.byFile().values(), request);
      report(report);
      if (Files.isDirectory(target)) {
        complete(folder, report);
      }
    }
    return ExitCode.DONE;
  }

  private void complete(ConvertedFolder folder, LayoutConversion.Report report) throws IOException {
    PrintWriter err = spec.commandLine().getErr();
    for (String missing : folder.write(report.written(), source, target)) {
      err.printf("tpdiff: caution: the folder lacks %s%n", missing);
    }
    err.flush();
  }

  private void report(LayoutConversion.Report report) {
    PrintWriter err = spec.commandLine().getErr();
    caution(err, "the source lacks %d tensors, such as %s%n", report.missing());
    caution(err, "left out %d tensors of no known network, such as %s%n", report.leftOver());
    err.flush();
    PrintWriter out = spec.commandLine().getOut();
    for (LayoutConversion.Written written : report.written()) {
      out.printf(
          "wrote %s: %s, %d tensors, %d bytes%n",
          written.file(),
          written.networks().stream().map(Network::label).collect(Collectors.joining(", ")),
          written.tensors(),
          written.bytes());
    }
    if (report.scaled() > 0) {
      out.printf(
          "%d tensors of eight-bit floats were multiplied by their scales%n", report.scaled());
    }
    report.rounding().forEach((type, error) -> out.printf("stored as %s: %s%n", type, error));
    out.flush();
  }

  private static void caution(PrintWriter err, String text, List<String> names) {
    names.stream()
        .limit(1)
        .forEach(first -> err.printf("tpdiff: caution: " + text, names.size(), first));
  }
}
