package io.github.tpdiff.adapters;

import io.github.tpdiff.runtime.graph.Dim;
import io.github.tpdiff.runtime.graph.ElementType;
import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.Op;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.graph.Value;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The encoder of T5 v1.1 (Raffel et al. 2020) and UMT5 (Chung et al. 2023). Padding is no token to
 * it; its own rows are unspecified.
 */
public final class T5Encoder {
  /** The table with a row for every token. */
  public static final String TOKENS = "shared.weight";

  /** Added to the logits of padding: e to this power is 0 in every precision. */
  private static final double MASKED = -1e9;

  private final T5Config config;

  public T5Encoder(T5Config config) {
    this.config = config;
  }

  /**
   * {@code input_ids} and {@code attention_mask}, I64 [batch, text], to {@code last_hidden_state}
   * [batch, text, width].
   */
  public Program program() {
    var segments = new ArrayList<Graph>();
    segments.add(embed());
    for (int i = 0; i < config.layers(); i++) {
      segments.add(block("encoder.block." + i));
    }
    Value x = Value.input("x", "batch", "text", config.width());
    Value last = Layers.rmsNorm(x, "encoder.final_layer_norm", config.eps());
    segments.add(Graph.of("final_layer_norm", "last_hidden_state", last));
    return new Program("text_encoder", segments, List.of("last_hidden_state"));
  }

  private Graph embed() {
    Value ids = Value.indexInput("input_ids", "batch", "text");
    Value mask = Value.indexInput("attention_mask", "batch", "text").cast(ElementType.F32);
    Map<String, Value> outputs = new LinkedHashMap<>();
    outputs.put("x", Value.weight(TOKENS, config.vocabulary(), config.width()).gather(ids));
    outputs.put("mask", mask.plus(-1).times(-MASKED).reshape("batch", 1, 1, "text"));
    outputs.put("position_buckets", buckets(ids.dim(1)));
    return new Graph("embed", outputs);
  }

  /** The bucket of key − query for each query (row) and key (column), I64 [text, text]. */
  private Value buckets(Dim text) {
    int reach = config.maxDistance();
    var table = new float[2 * reach + 1];
    for (int relative = -reach; relative <= reach; relative++) {
      table[relative + reach] = config.bucket(relative);
    }
    Value position = Value.arange(text).cast(ElementType.F32);
    Value relative = position.reshape(1, text).minus(position.reshape(text, 1));
    Value row = relative.clamp(-reach, reach).plus(reach).cast(ElementType.I64);
    return Value.constant(table, table.length).gather(row).cast(ElementType.I64);
  }

  private Graph block(String name) {
    int width = config.width();
    Value x = Value.input("x", "batch", "text", width);
    x = x.plus(attention(name + ".layer.0", x));
    String ff = name + ".layer.1.DenseReluDense";
    Value u = Layers.rmsNorm(x, name + ".layer.1.layer_norm", config.eps());
    Value gate = Layers.projection(u, ff + ".wi_0", config.ffnDim()).geluTanh();
    Value hidden = gate.times(Layers.projection(u, ff + ".wi_1", config.ffnDim()));
    return Graph.of(name, "x", x.plus(Layers.projection(hidden, ff + ".wo", width)));
  }

  /** Logits are not scaled; the queries' initialisation is. */
  private Value attention(String name, Value x) {
    String attn = name + ".SelfAttention";
    int inner = config.heads() * config.headDim();
    Value u = Layers.rmsNorm(x, name + ".layer_norm", config.eps());
    Value q = Layers.projection(u, attn + ".q", inner);
    Value k = Layers.projection(u, attn + ".k", inner);
    Value v = Layers.projection(u, attn + ".v", inner);
    Value mixed = q.attention(new Op.Attention(config.heads(), 1), k, v, bias(tableOwner(attn)));
    return Layers.projection(mixed, attn + ".o", config.width());
  }

  private String tableOwner(String attn) {
    return switch (config.positionBias()) {
      case OF_EACH_BLOCK -> attn;
      case OF_FIRST_BLOCK -> "encoder.block.0.layer.0.SelfAttention";
    };
  }

  /** Position bias of every head plus the mask, [batch, heads, text, text]. */
  private Value bias(String attn) {
    Value buckets = Value.indexInput("position_buckets", "text", "text");
    Value byPosition =
        Value.weight(attn + ".relative_attention_bias.weight", config.buckets(), config.heads())
            .gather(buckets)
            .transpose(2, 0, 1)
            .reshape(1, config.heads(), "text", "text");
    return byPosition.plus(Value.input("mask", "batch", 1, 1, "text"));
  }
}
