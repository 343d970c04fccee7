package io.github.tpdiff.cli;

import io.github.tpdiff.lora.LoraModels;
import io.github.tpdiff.runtime.pipeline.VideoModel;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.checkpoint.Checkpoint;
import io.github.tpdiff.weights.lora.LoraFile;
import io.github.tpdiff.weights.lora.LoraWeights;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Option;

/** What training gave, a LoRA or tensors in full, on a checkpoint, as options. */
final class LoraOptions {
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
    return new Trained(
        weights.map(Checkpoint::open), lora.map(path -> LoraFile.read(path).weights()), strength);
  }

  /**
   * What was trained.
   *
   * @param weights tensors in full; closed with the model that they are put on
   * @param strength of the LoRA
   */
  record Trained(Optional<TensorSource> weights, Optional<LoraWeights> lora, double strength) {

    /** The checkpoint with the LoRA beside its weights. */
    VideoModel beside(VideoModel base) {
      VideoModel model = withWeights(base);
      return lora.map(own -> LoraModels.applied(model, own, strength)).orElse(model);
    }

    /** The checkpoint with the LoRA added into its weights. */
    VideoModel merged(VideoModel base) {
      VideoModel model = withWeights(base);
      return lora.map(own -> LoraModels.merged(model, own, strength)).orElse(model);
    }

    private VideoModel withWeights(VideoModel base) {
      return weights.map(own -> LoraModels.replaced(base, own)).orElse(base);
    }
  }
}
