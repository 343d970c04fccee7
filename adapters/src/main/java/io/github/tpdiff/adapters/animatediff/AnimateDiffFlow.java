package io.github.tpdiff.adapters.animatediff;

import io.github.tpdiff.adapters.ModelFlows;
import io.github.tpdiff.runtime.model.Component;
import io.github.tpdiff.runtime.model.ComponentDescription;
import io.github.tpdiff.runtime.model.Condition;
import io.github.tpdiff.runtime.model.Flow;
import io.github.tpdiff.runtime.model.Text;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** How values flow through AnimateDiff on Stable Diffusion 1.5. */
final class AnimateDiffFlow {
  static final String UNET = "unet";
  static final String TEXT_ENCODER = "text_encoder";
  static final String TOKENIZER = "tokenizer";
  private static final String TEXT = "encoder_hidden_states";
  private static final String TEXT_WIDTH = "768";

  private AnimateDiffFlow() {}

  /**
   * The flow of a model.
   *
   * @param components those whose files are there
   */
  static Flow of(Map<String, Component> components, int textLength) {
    var text = new Text(TOKENIZER, textLength, Text.Cleaning.NONE, Text.Padding.ENCODED);
    Map<String, String> values = Map.of(TEXT, TEXT);
    Component conditioning = components.get(ComponentDescription.conditioning(UNET));
    List<Condition> conditions =
        conditioning == null
            ? List.of(ModelFlows.textRows(TEXT, TEXT_WIDTH))
            : ModelFlows.conditions(conditioning.program(), values);
    var described = new ArrayList<ComponentDescription>();
    described.add(
        ModelFlows.textEncoder(TEXT_ENCODER, text, false, Map.of("last_hidden_state", TEXT)));
    described.addAll(ModelFlows.network(UNET, values));
    described.addAll(ModelFlows.autoencoder(false));
    return new Flow(
        described,
        List.of(Flow.Expert.alone(UNET)),
        List.of(text),
        conditions,
        Map.of(Flow.TEXT_ROWS, (long) textLength));
  }
}
