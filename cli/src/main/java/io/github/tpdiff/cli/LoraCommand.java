package io.github.tpdiff.cli;

import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.IndentedJson;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.checkpoint.Checkpoint;
import io.github.tpdiff.weights.layout.Contents;
import io.github.tpdiff.weights.layout.FoundNetwork;
import io.github.tpdiff.weights.layout.KeyMap;
import io.github.tpdiff.weights.layout.Layout;
import io.github.tpdiff.weights.lora.LoraFile;
import io.github.tpdiff.weights.lora.LoraFormat;
import io.github.tpdiff.weights.lora.LoraMerge;
import io.github.tpdiff.weights.lora.LoraPair;
import io.github.tpdiff.weights.lora.LoraWeights;
import io.github.tpdiff.weights.lora.LoraWriter;
import io.github.tpdiff.weights.safetensors.SafetensorsWriter;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** LoRA files of every tool's form. */
@Command(
    name = "lora",
    description = "Shows, converts and merges LoRA files.",
    subcommands = {LoraCommand.Info.class, LoraCommand.Convert.class, LoraCommand.Merge.class})
final class LoraCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "expected info, convert or merge");
  }

  /** What a LoRA file holds. */
  static Map<String, Object> describe(Path path, LoraFile file) {
    LoraWeights weights = file.weights();
    var ranks = new TreeMap<Integer, Integer>();
    var scales = new TreeMap<Double, Integer>();
    for (LoraPair pair : weights.pairs().values()) {
      ranks.merge(pair.rank(), 1, Integer::sum);
      scales.merge(pair.scale(), 1, Integer::sum);
    }
    var fields = new LinkedHashMap<String, Object>();
    fields.put("path", path.toString());
    fields.put("kind", "lora");
    fields.put("format", file.format().name().toLowerCase(Locale.ROOT));
    fields.put("component", weights.component());
    fields.put("modules", weights.pairs().size());
    fields.put("ranks", ranks.keySet().stream().toList());
    fields.put("scales", scales.keySet().stream().toList());
    fields.put(
        "parameters",
        weights.pairs().values().stream()
            .mapToLong(p -> (long) p.rank() * (p.in() + p.out()))
            .sum());
    fields.put("targets", targets(weights));
    fields.put("ignored", file.ignored());
    fields.put("metadata", weights.metadata());
    return fields;
  }

  /** The last parts of the modules' names, such as to_q. */
  private static List<String> targets(LoraWeights weights) {
    return weights.pairs().keySet().stream()
        .map(module -> module.replaceFirst("^.*?\\.\\d+\\.", ""))
        .distinct()
        .sorted()
        .toList();
  }

  /** Shows a LoRA file. */
  @Command(name = "info", description = "Shows what a LoRA file or PEFT folder holds.")
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
        out.println(IndentedJson.write(fields));
      } else {
        fields.forEach((name, value) -> out.printf("%-11s %s%n", name, value));
      }
      out.flush();
    }
  }

  /** Writes a LoRA in another form. */
  @Command(
      name = "convert",
      description = "Writes a LoRA in the form that another tool expects, the same in effect.")
  static final class Convert implements Runnable {
    @Spec private CommandSpec spec;

    @Parameters(index = "0", paramLabel = "FROM", description = "A LoRA file or PEFT folder.")
    private Path from;

    @Parameters(index = "1", paramLabel = "TO", description = "The file, or for peft the folder.")
    private Path to;

    @Option(names = "--format", required = true, description = "diffusers, peft, comfyui or kohya.")
    private LoraFormat format;

    @Option(
        names = "--dtype",
        defaultValue = "F32",
        description = "F32, F16 or BF16 (default ${DEFAULT-VALUE}).")
    private DType dtype;

    @Override
    public void run() {
      LoraFile file = LoraFile.read(from);
      List<String> cautions = LoraWriter.write(to, file.weights(), format, dtype);
      PrintWriter err = spec.commandLine().getErr();
      file.ignored().stream()
          .limit(1)
          .forEach(
              first ->
                  err.printf(
                      "tpdiff: %s: left out %d tensors that are no LoRA of a linear layer, such as"
                          + " %s%n",
                      from, file.ignored().size(), first));
      cautions.forEach(caution -> err.println("tpdiff: caution: " + caution));
      err.flush();
      PrintWriter out = spec.commandLine().getOut();
      out.printf("wrote %s: %d modules%n", to, file.weights().pairs().size());
      out.flush();
    }
  }

  /** Merges a LoRA into the tensors it changes. */
  @Command(
      name = "merge",
      description = "Writes a checkpoint of one network with a LoRA merged into its weights.")
  static final class Merge implements Runnable {
    @Spec private CommandSpec spec;

    @Parameters(
        index = "0",
        paramLabel = "CHECKPOINT",
        description = "The network's file or folder, such as MODEL/transformer.")
    private Path checkpoint;

    @Parameters(index = "1", paramLabel = "LORA", description = "A LoRA file or PEFT folder.")
    private Path lora;

    @Parameters(index = "2", paramLabel = "TO", description = "The safetensors file to write.")
    private Path to;

    @Option(
        names = "--strength",
        defaultValue = "1",
        description = "Factor on the LoRA (default ${DEFAULT-VALUE}).")
    private double strength;

    @Override
    public void run() {
      LoraWeights weights = LoraFile.read(lora).weights();
      try (TensorSource opened = Checkpoint.open(checkpoint)) {
        int merged = merge(opened, weights);
        PrintWriter out = spec.commandLine().getOut();
        out.printf("wrote %s: %d of %d tensors changed%n", to, merged, opened.names().size());
        out.flush();
      }
    }

    private int merge(TensorSource source, LoraWeights weights) {
      Map<String, LoraPair> byTensor = new HashMap<>();
      Optional<KeyMap> original =
          Contents.of(source.names()).networks().stream()
              .filter(found -> found.layout() == Layout.ORIGINAL && found.prefix().isEmpty())
              .map(FoundNetwork::keys)
              .findFirst();
      for (var entry : weights.pairs().entrySet()) {
        String name = entry.getKey() + ".weight";
        String tensor = original.flatMap(keys -> keys.toOriginal(name)).orElse(name);
        if (source.find(tensor).isEmpty()) {
          throw new CheckpointException(
              "%s: tensor '%s' that the LoRA changes is not in %s; give the network it is for"
                  .formatted(lora, tensor, checkpoint));
        }
        byTensor.put(tensor, entry.getValue());
      }
      List<TensorInfo> infos = source.names().stream().map(source::require).toList();
      try (SafetensorsWriter writer = SafetensorsWriter.create(to, infos, source.metadata())) {
        for (String name : source.names()) {
          LoraPair pair = byTensor.get(name);
          if (pair == null) {
            writer.copy(source, name);
          } else {
            writer.fill(name, LoraMerge.merged(source, name, pair, strength));
          }
        }
        writer.commit();
      }
      return byTensor.size();
    }
  }
}
