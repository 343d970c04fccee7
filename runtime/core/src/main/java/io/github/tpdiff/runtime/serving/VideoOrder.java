package io.github.tpdiff.runtime.serving;

import io.github.tpdiff.runtime.pipeline.GenerationRequest;
import java.util.List;

/**
 * A video that a service is asked for, as plain data.
 *
 * @param model by the name that the service has for it
 * @param request what to make; LoRAs that it has itself, by their files, are put on first
 * @param loras by the names that the service has for them, in this order
 */
public record VideoOrder(String model, GenerationRequest request, List<NamedLora> loras) {
  public VideoOrder {
    loras = List.copyOf(loras);
  }

  /** A video of a model as it is. */
  public static VideoOrder of(String model, GenerationRequest request) {
    return new VideoOrder(model, request, List.of());
  }

  /** The same with LoRAs as the service has them. */
  public VideoOrder withLoras(String... names) {
    return new VideoOrder(model, request, List.of(names).stream().map(NamedLora::of).toList());
  }
}
