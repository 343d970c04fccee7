package io.github.tpdiff.cli;

import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.pipeline.RecordJson;
import io.github.tpdiff.weights.lora.LoraFile;
import io.github.tpdiff.weights.lora.LoraWeights;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Option;

/** A LoRA on a checkpoint, as options. */
final class LoraOptions {
  @Option(names = "--lora", paramLabel = "LORA", description = "A LoRA file or PEFT folder.")
  private Optional<Path> lora = Optional.empty();

  @Option(
      names = "--lora-strength",
      defaultValue = "1",
      description = "Factor on the LoRA (default ${DEFAULT-VALUE}).")
  private double strength = 1;

  Optional<LoraWeights> read() {
    return lora.map(path -> LoraFile.read(path).weights());
  }

  double strength() {
    return strength;
  }

  /** The stages that a LoRA was trained for, where it says so. */
  Optional<StageConfig> stages(Optional<LoraWeights> weights) {
    return weights
        .flatMap(w -> Optional.ofNullable(w.metadata().get(RecordJson.STAGES_HEADER)))
        .map(
            json ->
                RecordJson.STAGES.parse(
                    json, lora.map(Path::toString).orElse("") + ": " + RecordJson.STAGES_HEADER));
  }
}
