package io.github.tpdiff.cli;

import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.WritablePlace;
import io.github.tpdiff.weights.lora.LayerChange;
import io.github.tpdiff.weights.lora.LoraFile;
import io.github.tpdiff.weights.lora.LoraFormat;
import io.github.tpdiff.weights.lora.LoraWeights;
import io.github.tpdiff.weights.lora.LoraWriter;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** LoRA files of every tool's form. */
@Command(
    name = "lora",
    description = "Shows, converts, merges and extracts LoRA files.",
    subcommands = {
      LoraCommand.Info.class,
      LoraCommand.Convert.class,
      LoraMergeCommand.class,
      LoraExtractCommand.class
    })
final class LoraCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "expected info, convert, merge or extract");
  }

  /** What a LoRA file holds. */
  static Map<String, Object> describe(Path path, LoraFile file) {
    LoraWeights weights = file.weights();
    var ranks = new TreeMap<Integer, Integer>();
    var scales = new TreeMap<Double, Integer>();
    var kinds = new TreeSet<String>();
    for (LayerChange layer : weights.layers().values()) {
      ranks.merge(layer.rank(), 1, Integer::sum);
      scales.merge(layer.scale(), 1, Integer::sum);
      kinds.add(layer.kind().toLowerCase(Locale.ROOT));
    }
    var fields = new LinkedHashMap<String, Object>();
    fields.put("path", path.toString());
    fields.put("kind", kinds.isEmpty() ? "lora" : String.join(", ", kinds));
    fields.put("format", file.format().name().toLowerCase(Locale.ROOT));
    fields.put("dtype", file.dtype().name());
    fields.put("component", weights.component());
    fields.put("modules", weights.layers().size());
    fields.put("full_changes", weights.full().size());
    fields.put("ranks", ranks.keySet().stream().toList());
    fields.put("scales", scales.keySet().stream().toList());
    fields.put(
        "parameters",
        weights.layers().values().stream().mapToLong(LayerChange::values).sum()
            + weights.full().values().stream().mapToLong(change -> change.values().length).sum());
    fields.put("targets", targets(weights));
    fields.put(
        "left_out",
        file.ignored().stream()
            .findFirst()
            .map(first -> "%d tensors, such as %s".formatted(file.ignored().size(), first))
            .orElse("none"));
    fields.put("metadata", weights.metadata());
    fields.put(
        "use",
        List.of("--lora of generate and export", "tpdiff lora merge", "tpdiff lora convert"));
    return fields;
  }

  /** The last parts of the modules' names, such as to_q. */
  private static List<String> targets(LoraWeights weights) {
    return weights.layers().keySet().stream()
        .map(module -> module.replaceFirst("^.*?\\.\\d+\\.", ""))
        .distinct()
        .sorted()
        .toList();
  }

  /** Shows a LoRA file. */
  @Command(
      name = "info",
      description = "Shows what a LoRA file or PEFT folder holds.",
      footer = "  tpdiff lora info pytorch_lora_weights.safetensors")
  static final class Info implements Runnable {
    @Spec private CommandSpec spec;

    @Parameters(paramLabel = "LORA", description = "A LoRA file of any tool, or a PEFT folder.")
    private Path path;

    @Option(names = "--json", description = "Prints JSON.")
    private boolean json;

    @Override
    public void run() {
      Map<String, Object> fields = describe(path, LoraFile.read(path));
      PrintWriter out = spec.commandLine().getOut();
      if (json) {
        TerminalWriter.printJson(out, fields);
      } else {
        InspectionText.print(out, fields);
      }
      out.flush();
    }
  }

  /** Writes a LoRA in another form. */
  @Command(
      name = "convert",
      description = "Writes a LoRA in the form that another tool expects, the same in effect.",
      footer = {
        "  tpdiff lora convert lora.safetensors for-comfyui.safetensors --format comfyui",
        "  tpdiff lora convert lora.safetensors for-peft --format peft"
      })
  static final class Convert implements Runnable {
    @Spec private CommandSpec spec;

    @Parameters(index = "0", paramLabel = "FROM", description = "A LoRA file or PEFT folder.")
    private Path from;

    @Parameters(index = "1", paramLabel = "TO", description = "The file, or for peft the folder.")
    private Path to;

    @Option(names = "--format", required = true, description = "diffusers, peft, comfyui or kohya.")
    private LoraFormat format;

    @Option(names = "--dtype", description = "F32, F16 or BF16 (default: as it is).")
    private @Nullable DType dtype;

    @Override
    public void run() {
      requirePlace(to, format);
      LoraFile file = LoraFile.read(from);
      DType stored = Optional.ofNullable(dtype).orElse(file.dtype());
      List<String> cautions = LoraWriter.write(to, file.weights(), format, stored);
      PrintWriter err = spec.commandLine().getErr();
      leftOut(err, from, file.ignored());
      cautions.forEach(caution -> err.println("tpdiff: caution: " + caution));
      err.flush();
      PrintWriter out = spec.commandLine().getOut();
      out.printf("wrote %s: %d modules%n", to, file.weights().layers().size());
      out.flush();
    }
  }

  /** Finds whether a LoRA of a form can be written, before it is computed. */
  static void requirePlace(Path to, LoraFormat format) {
    if (format == LoraFormat.PEFT) {
      WritablePlace.requireFolder(to);
    } else {
      WritablePlace.requireFile(to);
    }
  }

  /** Says in one line what of a LoRA is not used. */
  static void leftOut(PrintWriter err, Path path, List<String> tensors) {
    tensors.stream()
        .limit(1)
        .forEach(
            first ->
                err.printf(
                    "tpdiff: %s: left out %d tensors that change nothing here, such as %s%n",
                    path, tensors.size(), first));
    err.flush();
  }
}
