package io.github.tpdiff.cli;

import io.github.tpdiff.lora.LoraModels;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.RoundingError;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.WritablePlace;
import io.github.tpdiff.weights.checkpoint.Checkpoint;
import io.github.tpdiff.weights.layout.Contents;
import io.github.tpdiff.weights.layout.FoundNetwork;
import io.github.tpdiff.weights.layout.Layout;
import io.github.tpdiff.weights.lora.LoraFile;
import io.github.tpdiff.weights.lora.LoraMerge;
import io.github.tpdiff.weights.lora.PreparedChange;
import io.github.tpdiff.weights.safetensors.SafetensorsWriter;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Merges a LoRA into the tensors it changes. */
@Command(
    name = "merge",
    description = {
      "Writes a checkpoint of one network with a LoRA merged into its weights.",
      "Says what rounding to the stored type costs, also against the size of the LoRA's change."
    },
    footer = {
      "  tpdiff lora merge checkpoint/transformer lora.safetensors out.safetensors",
      "  tpdiff lora merge unet lora.safetensors out.safetensors --strength 0.8"
    })
final class LoraMergeCommand implements Runnable {
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

  @Option(
      names = "--dtype",
      description = "Type to store floating-point tensors as (default: as they are).")
  private @Nullable DType dtype;

  @Override
  public void run() {
    if (!Double.isFinite(strength)) {
      throw new IllegalArgumentException("--strength: expected a number, found " + strength);
    }
    WritablePlace.requireFile(to);
    LoraFile file = LoraFile.read(lora);
    try (TensorSource opened = Checkpoint.open(checkpoint)) {
      Map<String, PreparedChange> changes = changes(opened, file);
      var merged = new RoundingError();
      var others = new RoundingError();
      var metadata = new LinkedHashMap<>(opened.metadata());
      metadata.putAll(LoraModels.trainedFor(file.weights().metadata()));
      write(opened, metadata, changes, merged, others);
      PrintWriter out = spec.commandLine().getOut();
      out.printf("wrote %s: %d of %d tensors changed%n", to, changes.size(), opened.names().size());
      double change = change(changes);
      out.printf(
          "merged: %s%s%n",
          merged,
          change == 0 ? "" : "; %.3g of the LoRA's change".formatted(merged.norm() / change));
      if (others.count() > 0) {
        out.printf("the other tensors: %s%n", others);
      }
      out.flush();
    }
  }

  private void write(
      TensorSource source,
      Map<String, String> metadata,
      Map<String, PreparedChange> changes,
      RoundingError merged,
      RoundingError others) {
    List<TensorInfo> infos = new ArrayList<>();
    for (String name : source.names()) {
      TensorInfo info = source.require(name);
      infos.add(new TensorInfo(name, stored(info.dtype()), info.shape()));
    }
    try (SafetensorsWriter writer = SafetensorsWriter.create(to, infos, metadata)) {
      for (TensorInfo info : infos) {
        PreparedChange change = changes.get(info.name());
        if (change != null) {
          writer.fill(
              info.name(),
              LoraMerge.merged(
                  source,
                  new LoraMerge.Change(change, strength),
                  info.name(),
                  new LoraMerge.Stored(info.dtype(), merged)));
        } else if (info.dtype() == source.require(info.name()).dtype()) {
          writer.copy(source, info.name());
        } else {
          others.copy(source, info, writer);
        }
      }
      writer.commit();
    }
  }

  private DType stored(DType found) {
    return found.isFloating() ? Optional.ofNullable(dtype).orElse(found) : found;
  }

  private double change(Map<String, PreparedChange> changes) {
    double squares =
        changes.values().stream().mapToDouble(PreparedChange::norm).map(norm -> norm * norm).sum();
    return Math.abs(strength) * Math.sqrt(squares);
  }

  /** The LoRA's changes by the names that the checkpoint has for its tensors; says what is left. */
  private Map<String, PreparedChange> changes(TensorSource source, LoraFile file) {
    List<FoundNetwork> networks = Contents.of(source.names()).networks();
    Map<String, PreparedChange> changes = new HashMap<>();
    List<String> leftOut = new ArrayList<>(file.ignored());
    List<String> elsewhere = new ArrayList<>();
    file.weights()
        .changes()
        .forEach(
            (name, change) -> {
              Optional<String> tensor = find(source, networks, name);
              if (tensor.isPresent()) {
                change.requireFinite(name, strength);
                changes.put(tensor.get(), change.on(source, tensor.get()));
              } else if (isOfALayer(source, networks, name)
                  || networks.stream().anyMatch(found -> found.network().isOptional(name))) {
                leftOut.add(name);
              } else if (networks.isEmpty() || networks.stream().anyMatch(n -> isOf(n, name))) {
                throw missing(name);
              } else {
                elsewhere.add(name);
              }
            });
    if (changes.isEmpty()) {
      throw missing(file.weights().changes().keySet().iterator().next());
    }
    PrintWriter err = spec.commandLine().getErr();
    LoraCommand.leftOut(err, lora, leftOut);
    elsewhere.stream()
        .limit(1)
        .forEach(
            first ->
                err.printf(
                    "tpdiff: %s: left %d changes for another network, such as of %s; merge them"
                        + " into its checkpoint too%n",
                    lora, elsewhere.size(), first));
    err.flush();
    return changes;
  }

  private CheckpointException missing(String name) {
    return new CheckpointException(
        "%s: tensor '%s' that the LoRA changes is not in %s; give the network it is for"
            .formatted(lora, name, checkpoint));
  }

  private static Optional<String> find(
      TensorSource source, List<FoundNetwork> networks, String name) {
    return Stream.concat(
            networks.stream().flatMap(network -> nameIn(network, name).stream()), Stream.of(name))
        .filter(candidate -> source.find(candidate).isPresent())
        .findFirst();
  }

  /** Whether it is the bias, which is not there, of a layer that is. */
  private static boolean isOfALayer(TensorSource source, List<FoundNetwork> networks, String name) {
    return name.endsWith(".bias")
        && find(source, networks, name.replaceFirst("bias$", "weight")).isPresent();
  }

  /** Whether networks of this kind have such a tensor, in whatever size. */
  private static boolean isOf(FoundNetwork network, String name) {
    return network.keys().knows(name) || network.network().keys().knows(name);
  }

  private static Optional<String> nameIn(FoundNetwork network, String name) {
    Optional<String> plain =
        network.layout() == Layout.ORIGINAL ? network.keys().toOriginal(name) : Optional.of(name);
    return plain.map(network.prefix()::concat);
  }
}
