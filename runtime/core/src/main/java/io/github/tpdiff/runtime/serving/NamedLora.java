package io.github.tpdiff.runtime.serving;

import io.github.tpdiff.runtime.pipeline.LoraChoice;
import java.util.Optional;

/**
 * A LoRA to put on a model, by the name that a service has for it.
 *
 * @param name as in {@link ServiceSetup#loras}
 * @param strength a factor on it; as the service has it unless it is said
 */
public record NamedLora(String name, Optional<Double> strength) {
  /** A LoRA as the service has it. */
  public static NamedLora of(String name) {
    return new NamedLora(name, Optional.empty());
  }

  /**
   * What it stands for.
   *
   * @throws IllegalArgumentException if the strength is not finite
   */
  LoraChoice in(LoraChoice named) {
    return new LoraChoice(named.path(), strength.or(named::strength), named.denoiser());
  }
}
