package io.github.tpdiff.cli;

import static java.util.Objects.requireNonNull;

import io.github.tpdiff.lora.LoraModels;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.checkpoint.Checkpoint;
import io.github.tpdiff.weights.lora.LoraFile;
import io.github.tpdiff.weights.lora.LoraWeights;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** What training gave, a LoRA or tensors in full, on a checkpoint, as options. */
final class LoraOptions {
  @Spec(Spec.Target.MIXEE)
  private @Nullable CommandSpec command;

  @Option(
      names = "--lora",
      paramLabel = "LORA",
      description = "A LoRA file or PEFT folder (default: none).")
  private Optional<Path> lora = Optional.empty();

  @Option(
      names = "--lora-strength",
      defaultValue = "1",
      description = "Factor on the LoRA (default ${DEFAULT-VALUE}).")
  private double strength = 1;

  @Option(
      names = "--weights",
      paramLabel = "FILE",
      description = "Tensors trained in full, in place of the checkpoint's own (default: none).")
  private Optional<Path> weights = Optional.empty();

  /** What was trained, read. */
  Trained read() {
    if (!Double.isFinite(strength)) {
      throw new IllegalArgumentException("--lora-strength: expected a number, found " + strength);
    }
    return new Trained(weights.map(Checkpoint::open), lora.map(this::lora), strength);
  }

  private Lora lora(Path path) {
    LoraFile file = LoraFile.read(path);
    PrintWriter err = requireNonNull(command).commandLine().getErr();
    return new Lora(
        file.weights(),
        lacking ->
            LoraCommand.leftOut(
                err, path, Stream.concat(file.ignored().stream(), lacking.stream()).toList()));
  }

  /**
   * A LoRA.
   *
   * @param leftOut says what of it is not used, given the tensors that the model lacks
   */
  record Lora(LoraWeights weights, Consumer<List<String>> leftOut) {}

  /**
   * What was trained.
   *
   * @param weights tensors in full; closed with the model that they are put on
   * @param strength of the LoRA
   */
  record Trained(Optional<TensorSource> weights, Optional<Lora> lora, double strength) {

    /** The checkpoint with the LoRA beside its weights. */
    VideoModel beside(VideoModel base) {
      VideoModel model = withWeights(base);
      return lora.map(own -> LoraModels.applied(model, used(model, own), strength)).orElse(model);
    }

    /** The checkpoint with the LoRA added into its weights. */
    VideoModel merged(VideoModel base) {
      VideoModel model = withWeights(base);
      return lora.map(own -> LoraModels.merged(model, used(model, own), strength)).orElse(model);
    }

    private static LoraWeights used(VideoModel model, Lora lora) {
      lora.leftOut().accept(LoraModels.leftOut(model, lora.weights()));
      return lora.weights();
    }

    private VideoModel withWeights(VideoModel base) {
      return weights.map(own -> LoraModels.replaced(base, own)).orElse(base);
    }
  }
}
