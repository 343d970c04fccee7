package io.github.tpdiff.conformance.bench;

import io.github.tpdiff.cli.ExitCode;
import io.github.tpdiff.weights.Folders;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code tpdiff bench-files}: {@link FileBench} under JMH, as rates and ratios. */
@Command(
    name = "bench-files",
    description = {
      "Measures reading, converting and writing checkpoints beside a plain copy of the same bytes.",
      "Exits 1 if reading F32 is below 0.9 of the copy, or converting BF16 below 0.7 of a plain loop."
    },
    footer = {"  tpdiff bench-files", "  tpdiff bench-files --folder /fast/disk --mebibytes 1024"})
public final class FileBenchCommand implements Callable<Integer> {
  private static final double GIGA = 1e9;

  /** A benchmark that must reach a share of another's rate. */
  private record Demand(String benchmark, String reference, double share) {}

  private static final List<Demand> DEMANDS =
      List.of(new Demand("readF32", "copyF32", 0.9), new Demand("convertBf16", "loopF32", 0.7));

  private static final Map<String, String> LABELS = labels();

  @Spec private CommandSpec spec;

  @Option(
      names = "--folder",
      paramLabel = "DIR",
      description = "where the files are made (default: the system's folder for such files)")
  private Optional<Path> folder = Optional.empty();

  @Option(
      names = "--mebibytes",
      paramLabel = "N",
      defaultValue = "256",
      description = "payload of the F32 file (default: ${DEFAULT-VALUE})")
  private int mebibytes = 256;

  private static Map<String, String> labels() {
    Map<String, String> labels = new LinkedHashMap<>();
    labels.put("copyF32", "plain copy of the file");
    labels.put("readF32", "read all, F32, mapped");
    labels.put("readBf16", "read all, BF16 to F32");
    labels.put("copyAndForceF32", "plain copy, forced to disk");
    labels.put("writeF32", "write F32, forced to disk");
    labels.put("writeBf16", "write BF16, forced to disk");
    labels.put("loopF32", "plain loop, bytes in and out");
    labels.put("convertBf16", "BF16 to F32, bytes in and out");
    return labels;
  }

  @Override
  public Integer call() throws IOException {
    requireJmh();
    if (mebibytes < 64) {
      throw new IllegalArgumentException("--mebibytes: expected at least 64, found " + mebibytes);
    }
    Path home = Files.createTempDirectory("tpdiff-bench");
    try {
      return report(FileBenchTimes.measure(folder.orElse(home), mebibytes));
    } finally {
      Folders.delete(home);
    }
  }

  private int report(FileBenchTimes times) {
    PrintWriter out = spec.commandLine().getOut();
    Map<String, Double> rates = new LinkedHashMap<>();
    LABELS.forEach(
        (benchmark, label) -> {
          double rate = FileBench.bytes(benchmark, mebibytes) / times.seconds(benchmark) / GIGA;
          rates.put(benchmark, rate);
          out.printf("%-32s %6.2f GB/s%n", label, rate);
        });
    out.printf(
        "%-32s %6.1f ms, %.1f MB allocated%n",
        "open 28 GB in 6 shards", 1e3 * times.seconds("openLarge"), times.bytesPerOpening() / 1e6);
    List<String> failures = new ArrayList<>();
    for (Demand demand : DEMANDS) {
      double share =
          rates.getOrDefault(demand.benchmark(), 0.0) / rates.getOrDefault(demand.reference(), 0.0);
      String line =
          "%s / %s: %.2f, at least %.1f expected"
              .formatted(
                  LABELS.get(demand.benchmark()),
                  LABELS.get(demand.reference()),
                  share,
                  demand.share());
      out.println(line);
      if (!(share >= demand.share())) {
        failures.add(line);
      }
    }
    out.flush();
    return failures.isEmpty() ? ExitCode.DONE : ExitCode.CHECK_FAILED;
  }

  /** JMH is not among what users need, so the launcher leaves it out unless asked for. */
  private static void requireJmh() {
    try {
      Class.forName("org.openjdk.jmh.runner.Runner");
    } catch (ClassNotFoundException absent) {
      throw new IllegalArgumentException(
          "bench-files: expected JMH on the class path, found none;"
              + " use TPDIFF_PROFILE=bench ./tpdiff bench-files",
          absent);
    }
  }
}
