package io.github.tpdiff.adapters.wan;

import io.github.tpdiff.adapters.ModelFlows;
import io.github.tpdiff.runtime.model.Component;
import io.github.tpdiff.runtime.model.ComponentDescription;
import io.github.tpdiff.runtime.model.Condition;
import io.github.tpdiff.runtime.model.Flow;
import io.github.tpdiff.runtime.model.Runs;
import io.github.tpdiff.runtime.model.Text;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** How values flow through Wan 2.1. */
final class WanFlow {
  static final String TRANSFORMER = "transformer";
  static final String TEXT_ENCODER = "text_encoder";
  static final String IMAGE_ENCODER = "image_encoder";
  static final String TOKENIZER = "tokenizer";
  private static final String TEXT = "encoder_hidden_states";
  private static final String IMAGE = "encoder_hidden_states_image";

  /** What CLIP ViT-H/14 gives: a row for each patch that it sees, and its class. */
  private static final long IMAGE_ROWS = 257;

  private static final String TEXT_WIDTH = "4096";

  private WanFlow() {}

  /**
   * The flow of a model.
   *
   * @param components those whose files are there
   */
  static Flow of(Map<String, Component> components, int textLength) {
    var text = new Text(TOKENIZER, textLength, Text.Cleaning.WHITESPACE, Text.Padding.ZERO_ROWS);
    Component conditioning = components.get(ComponentDescription.conditioning(TRANSFORMER));
    Map<String, String> values =
        conditioning == null
            ? Map.of(TEXT, TEXT)
            : ModelFlows.conditionsByName(conditioning.program());
    List<Condition> conditions =
        conditioning == null
            ? List.of(ModelFlows.textRows(TEXT, TEXT_WIDTH))
            : ModelFlows.conditions(conditioning.program(), values);
    var described = new ArrayList<ComponentDescription>();
    described.add(
        ModelFlows.textEncoder(TEXT_ENCODER, text, true, Map.of("last_hidden_state", TEXT)));
    var sizes = new LinkedHashMap<>(Map.of(Flow.TEXT_ROWS, (long) textLength));
    if (values.containsKey(IMAGE)) {
      described.add(
          ComponentDescription.of(
              IMAGE_ENCODER,
              Runs.PICTURE,
              Map.of("sample", Flow.PICTURE),
              Map.of("last_hidden_state", IMAGE)));
      sizes.put("image", IMAGE_ROWS);
    }
    described.addAll(ModelFlows.network(TRANSFORMER, values));
    described.addAll(ModelFlows.autoencoder(true));
    return new Flow(
        described, List.of(Flow.Expert.alone(TRANSFORMER)), List.of(text), conditions, sizes);
  }
}
