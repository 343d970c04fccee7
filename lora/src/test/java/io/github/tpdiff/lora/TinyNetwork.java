package io.github.tpdiff.lora;

import io.github.tpdiff.runtime.graph.ElementType;
import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.graph.Value;
import io.github.tpdiff.runtime.model.Component;
import io.github.tpdiff.runtime.model.ComponentDescription;
import io.github.tpdiff.runtime.model.Condition;
import io.github.tpdiff.runtime.model.Flow;
import io.github.tpdiff.runtime.model.Runs;
import io.github.tpdiff.runtime.model.Text;
import io.github.tpdiff.weights.MemoryTensors;
import io.github.tpdiff.weights.TensorSource;
import java.util.List;
import java.util.Map;

/** A denoiser of two channels with a few weights, in the segments that real ones have. */
public final class TinyNetwork {
  /** One condition, the text rows. */
  public static final Flow FLOW =
      new Flow(
          List.of(
              ComponentDescription.of(
                  "text_encoder",
                  Runs.PROMPT,
                  Map.of("input_ids", "tokenizer.input_ids"),
                  Map.of("last_hidden_state", "encoder_hidden_states")),
              ComponentDescription.of(
                  "transformer/conditioning",
                  Runs.PROMPT,
                  Map.of("encoder_hidden_states", "encoder_hidden_states"),
                  Map.of()),
              ComponentDescription.of("transformer", Runs.STEP, Map.of(), Map.of())),
          List.of(Flow.Expert.alone("transformer")),
          List.of(new Text("tokenizer", 2, Text.Cleaning.NONE, Text.Padding.ENCODED)),
          List.of(
              new Condition(
                  "encoder_hidden_states",
                  ElementType.F32,
                  List.of("batch", "text", "3"),
                  Condition.Follows.NOTHING,
                  false)),
          Map.of("text", 2L));

  private TinyNetwork() {}

  /** Text rows of width 3 to keys of width 2. */
  public static Program conditioning() {
    Value text = Value.input("encoder_hidden_states", "batch", "text", 3);
    Value key = text.linear(Value.weight("blocks.0.attn2.to_k.weight", 2, 3));
    return new Program("transformer", List.of(Graph.of("text", "key", key)), List.of("key"));
  }

  public static Program denoiser() {
    Value x = Value.input("hidden_states", "batch", 2, "frames", "height", "width");
    Value t = Value.input("timestep", "batch");
    Value positions = Value.input("temporal_positions", "frames");
    Value key = Value.input("key", "batch", "text", 2);
    Value h = x.transpose(0, 2, 3, 4, 1);
    Value told =
        t.reshape("batch", 1, 1, 1, 1)
            .times(0.001)
            .plus(positions.reshape(1, "frames", 1, 1, 1).times(0.1));
    h = h.plus(told).plus(key.slice(1, 0, 1).reshape("batch", 1, 1, 1, 2));
    h =
        h.linear(
                Value.weight("blocks.0.attn1.to_q.weight", 2, 2),
                Value.weight("blocks.0.attn1.to_q.bias", 2))
            .silu()
            .linear(Value.weight("blocks.0.proj_out.weight", 2, 2));
    return new Program(
        "transformer",
        List.of(Graph.of("block", "out_hidden_states", h.transpose(0, 4, 1, 2, 3))),
        List.of("out_hidden_states"));
  }

  public static TensorSource weights() {
    return MemoryTensors.builder()
        .addFloats("blocks.0.attn2.to_k.weight", List.of(2L, 3L), .3f, -.2f, .5f, .1f, .4f, -.6f)
        .addFloats("blocks.0.attn1.to_q.weight", List.of(2L, 2L), .7f, -.4f, .2f, .9f)
        .addFloats("blocks.0.attn1.to_q.bias", List.of(2L), .05f, -.1f)
        .addFloats("blocks.0.proj_out.weight", List.of(2L, 2L), 1.1f, .3f, -.5f, .8f)
        .build();
  }

  /** Conditioning and denoiser as one. */
  public static Component network() {
    return new Component("transformer", conditioning().then(denoiser()), weights());
  }
}
