package io.github.tpdiff.adapters.miniflux;

import io.github.tpdiff.adapters.ModelFlows;
import io.github.tpdiff.runtime.graph.ElementType;
import io.github.tpdiff.runtime.model.Component;
import io.github.tpdiff.runtime.model.ComponentDescription;
import io.github.tpdiff.runtime.model.Condition;
import io.github.tpdiff.runtime.model.Flow;
import io.github.tpdiff.runtime.model.Text;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * How values flow through Pyramid-Flow's miniFLUX: a pooled row of CLIP, and T5's states with their
 * mask.
 */
final class MiniFluxFlow {
  static final String TRANSFORMER = "transformer";
  static final String CLIP = "text_encoder";
  static final String T5 = "text_encoder_2";
  static final String CLIP_TOKENIZER = "tokenizer";
  static final String T5_TOKENIZER = "tokenizer_2";
  static final int T5_LENGTH = 128;
  private static final String STATES = "encoder_hidden_states";
  private static final String POOLED = "pooled_projections";

  private MiniFluxFlow() {}

  /**
   * The flow of a model.
   *
   * @param components those whose files are there
   * @param clipLength tokens that CLIP reads
   */
  static Flow of(Map<String, Component> components, int clipLength) {
    var clip = new Text(CLIP_TOKENIZER, clipLength, Text.Cleaning.NONE, Text.Padding.ENCODED);
    var t5 = new Text(T5_TOKENIZER, T5_LENGTH, Text.Cleaning.NONE, Text.Padding.ENCODED);
    Map<String, String> values =
        Map.of(STATES, STATES, "encoder_attention_mask", t5.mask(), POOLED, POOLED);
    Component conditioning = components.get(ComponentDescription.conditioning(TRANSFORMER));
    List<Condition> conditions =
        conditioning == null
            ? published(t5)
            : ModelFlows.conditions(conditioning.program(), values);
    var described = new ArrayList<ComponentDescription>();
    described.add(ModelFlows.textEncoder(CLIP, clip, false, Map.of("pooled", POOLED)));
    described.add(ModelFlows.textEncoder(T5, t5, true, Map.of("last_hidden_state", STATES)));
    described.addAll(ModelFlows.network(TRANSFORMER, values));
    described.addAll(ModelFlows.autoencoder(true));
    return new Flow(
        described,
        List.of(Flow.Expert.alone(TRANSFORMER)),
        List.of(clip, t5),
        conditions,
        Map.of(Flow.TEXT_ROWS, (long) T5_LENGTH));
  }

  private static List<Condition> published(Text t5) {
    return List.of(
        ModelFlows.textRows(STATES, "4096"),
        condition(t5.mask(), ElementType.I64, "batch", Flow.TEXT_ROWS),
        condition(POOLED, ElementType.F32, "batch", "768"));
  }

  private static Condition condition(String name, ElementType type, String... shape) {
    return new Condition(name, type, List.of(shape), Condition.Follows.NOTHING, false);
  }
}
