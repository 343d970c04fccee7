package io.github.tpdiff.serve;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.tpdiff.runtime.serving.VideoService;
import java.util.Map;

/**
 * What clients may choose from.
 *
 * @param service that makes videos
 * @param defaults of the operator by model, of every model
 * @param limits on what is asked
 */
record Catalogue(VideoService service, Map<String, ObjectNode> defaults, Limits limits) {
  Catalogue {
    defaults = Map.copyOf(defaults);
  }

  /** The model of who names none. */
  String firstModel() {
    return service.models().iterator().next();
  }
}
