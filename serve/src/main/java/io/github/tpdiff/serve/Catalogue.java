package io.github.tpdiff.serve;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.tpdiff.runtime.pipeline.LoraChoice;
import io.github.tpdiff.runtime.serving.VideoService;
import java.util.Map;

/**
 * What clients may choose from.
 *
 * @param service that makes videos
 * @param loras by name
 * @param defaults of the operator by model, of every model
 * @param limits on what is asked
 */
record Catalogue(
    VideoService service,
    Map<String, LoraChoice> loras,
    Map<String, ObjectNode> defaults,
    Limits limits) {
  Catalogue {
    loras = Map.copyOf(loras);
    defaults = Map.copyOf(defaults);
  }

  /** A text for clients, with names in place of where this machine keeps things. */
  String withoutPaths(String text) {
    String words = text;
    for (Map.Entry<String, LoraChoice> lora : loras.entrySet()) {
      words = words.replace(lora.getValue().path().toString(), lora.getKey());
    }
    return words;
  }

  /** The model of who names none. */
  String firstModel() {
    return service.models().iterator().next();
  }
}
