package io.github.tpdiff.adapters;

import static com.google.common.base.Preconditions.checkArgument;
import static java.util.Objects.requireNonNull;

import io.github.tpdiff.runtime.graph.Dim;
import io.github.tpdiff.runtime.graph.ElementType;
import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.graph.Value;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * CLIP's text model (Radford et al. 2021): each token sees those before it, and padding is tokens
 * like others.
 */
public final class ClipTextModel {
  private static final String ROOT = "text_model.";
  public static final String TOKENS = ROOT + "embeddings.token_embedding.weight";
  static final String POSITIONS = ROOT + "embeddings.position_embedding.weight";

  static final String LAYERS = ROOT + "encoder.layers.%s";

  /** Added to the logits of later tokens: e to this power is 0 in every precision. */
  private static final double MASKED = -1e9;

  private static final String STATES = "last_hidden_state";

  private final ClipTextConfig config;

  public ClipTextModel(ClipTextConfig config) {
    this.config = config;
  }

  static String layer(int index) {
    return LAYERS.formatted(index);
  }

  /** {@code input_ids} to {@code last_hidden_state}. */
  public Program program() {
    return program(0);
  }

  /**
   * The same without the last layers ("clip skip"); the final norm stays.
   *
   * @param skipped from 0 to one less than there are
   */
  public Program program(int skipped) {
    checkArgument(
        skipped >= 0 && skipped < config.layers(),
        "clip skip: expected from 0 to %s, found %s",
        config.layers() - 1,
        skipped);
    List<Graph> segments = layers(config.layers() - skipped);
    segments.add(Graph.of("final_layer_norm", STATES, states()));
    return new Program("text_encoder", segments, List.of(STATES));
  }

  /**
   * {@code input_ids} to {@code last_hidden_state} and {@code pooled} [batch, width], the state of
   * the first end of the text.
   */
  public Program pooledProgram() {
    List<Graph> segments = layers(config.layers());
    Value states = states();
    Map<String, Value> outputs = new LinkedHashMap<>();
    outputs.put(STATES, states);
    outputs.put("pooled", pooled(states));
    segments.add(new Graph("final_layer_norm", outputs));
    return new Program("text_encoder", segments, List.copyOf(outputs.keySet()));
  }

  private List<Graph> layers(int count) {
    var segments = new ArrayList<Graph>();
    segments.add(embed());
    for (int i = 0; i < count; i++) {
      segments.add(encoderLayer(layer(i)));
    }
    return segments;
  }

  private Value states() {
    return Layers.layerNorm(flow(), ROOT + "final_layer_norm", config.eps());
  }

  /** Rows are counted in fp32, exact up to 2²⁴. */
  private Value pooled(Value states) {
    Dim batch = states.dim(0);
    Dim text = states.dim(1);
    Value ids = Value.indexInput("input_ids", batch, text).cast(ElementType.F32);
    Value starts =
        Value.arange(batch.times(text)).cast(ElementType.F32).reshape(batch, text).slice(1, 0, 1);
    Value rows = end(ids).argMax().cast(ElementType.F32).plus(starts.reshape(batch));
    return states.reshape(batch.times(text), config.width()).gather(rows.cast(ElementType.I64));
  }

  /** Largest where the text ends. */
  private Value end(Value ids) {
    if (config.eosToken() == ClipTextConfig.HIGHEST_ID) {
      return ids;
    }
    Value difference = ids.plus(-config.eosToken());
    return difference.times(difference).times(-1).clamp(-1, 0);
  }

  /** The most tokens of a prompt, from {@link #program()}; shorter prompts are padded. */
  public static int tokens(Program program) {
    return Math.toIntExact(requireNonNull(program.weights().get(POSITIONS)).dim(0).value());
  }

  private Value flow() {
    return Value.input("x", "batch", "text", config.width());
  }

  private Graph embed() {
    Value ids = Value.indexInput("input_ids", "batch", "text");
    Value position = Value.arange(ids.dim(1));
    Value table = Value.weight(POSITIONS, config.positions(), config.width());
    Value tokens = Value.weight(TOKENS, config.vocabulary(), config.width()).gather(ids);
    Map<String, Value> outputs = new LinkedHashMap<>();
    outputs.put("x", tokens.plus(table.gather(position)));
    Value at = position.cast(ElementType.F32);
    Value ahead = at.reshape(1, "text").minus(at.reshape("text", 1)).clamp(0, 1);
    outputs.put("causal_mask", ahead.times(MASKED).reshape(1, 1, "text", "text"));
    return new Graph("embeddings", outputs);
  }

  private Graph encoderLayer(String name) {
    var layer = new ClipLayer(config.heads(), config.ffnDim(), config.activation(), config.eps());
    Value mask = Value.input("causal_mask", 1, 1, "text", "text");
    return Graph.of(name, "x", layer.apply(name, flow(), mask));
  }
}
