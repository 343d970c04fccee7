package io.github.tpdiff.runtime.model;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;

/**
 * Descriptions of version 1, which knew one tokenizer, one text encoder and one denoiser, as those
 * of version 2.
 */
final class EarlierDescriptions {
  private static final String TOKENIZER = "tokenizer";
  private static final String EMBEDDING = "encoder_hidden_states";

  private EarlierDescriptions() {}

  /** The tree of a version 1 with what it took for granted said. */
  static ObjectNode upgraded(ObjectNode tree) {
    String denoiser = tree.path("denoiser").asText();
    tree.remove("denoiser");
    var text = tree.remove("text");
    ObjectNode flow = tree.putObject("flow");
    ArrayNode components = flow.putArray("components");
    ObjectNode encoder = component(components, "text_encoder", "prompt");
    encoder
        .putObject("reads")
        .put("input_ids", TOKENIZER + ".input_ids")
        .put("attention_mask", TOKENIZER + ".attention_mask");
    encoder.putObject("writes").put("last_hidden_state", EMBEDDING);
    component(components, ComponentDescription.conditioning(denoiser), "prompt")
        .putObject("reads")
        .put(EMBEDDING, EMBEDDING);
    component(components, denoiser, "step");
    for (String half :
        List.of(ComponentDescription.VAE_ENCODER, ComponentDescription.VAE_DECODER)) {
      component(components, ComponentDescription.first(half), "chunk").put("optional", true);
      component(components, half, "chunk");
    }
    ObjectNode expert = flow.putArray("denoisers").addObject();
    expert.put("component", denoiser).put("least_timestep", 0.0);
    if (text instanceof ObjectNode own) {
      // AnimateDiff's encoder took no mask and saw padding; Wan's saw the real tokens alone.
      boolean all = tree.path("family").asText().equals("animatediff");
      flow.putArray("texts")
          .add(own.put(TOKENIZER, TOKENIZER).put("padding", all ? "encoded" : "zero_rows"));
      flow.putObject("sizes").set("text", own.path("max_length"));
    }
    ObjectNode condition = flow.putArray("conditions").addObject();
    condition.put("name", EMBEDDING).put("type", "f32").put("follows", "nothing");
    condition.put("optional", false).putArray("shape").add("batch").add("text").add("embedding");
    tree.put("target_scale", "global");
    return tree;
  }

  private static ObjectNode component(ArrayNode components, String name, String runs) {
    return components.addObject().put("name", name).put("runs", runs).put("optional", false);
  }
}
