package io.github.tpdiff.runtime.pipeline;

import static com.google.common.base.Preconditions.checkArgument;

import java.nio.file.Path;
import java.util.Optional;

/**
 * A LoRA to put on a model.
 *
 * @param path a LoRA file or PEFT folder
 * @param strength a factor on it; 1, as trained, unless it is said
 * @param denoiser the denoiser that it is for, where the model has several and the file does not
 *     say: {@code high_noise} or {@code low_noise}
 */
public record LoraChoice(Path path, Optional<Double> strength, Optional<String> denoiser) {
  /**
   * @throws IllegalArgumentException if the strength is not finite
   */
  public LoraChoice {
    strength.ifPresent(
        factor ->
            checkArgument(
                Double.isFinite(factor), "loras.strength: expected a number, found %s", factor));
  }

  /** A LoRA as it was trained. */
  public static LoraChoice of(Path path) {
    return new LoraChoice(path, Optional.empty(), Optional.empty());
  }

  /** The factor on it. */
  public double factor() {
    return strength.orElse(1.0);
  }
}
