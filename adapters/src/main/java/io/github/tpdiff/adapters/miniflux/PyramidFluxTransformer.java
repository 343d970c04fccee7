package io.github.tpdiff.adapters.miniflux;

import io.github.tpdiff.adapters.Layers;
import io.github.tpdiff.adapters.RotaryAngles;
import io.github.tpdiff.adapters.Sinusoids;
import io.github.tpdiff.runtime.graph.Dim;
import io.github.tpdiff.runtime.graph.ElementType;
import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.Op;
import io.github.tpdiff.runtime.graph.Op.UnaryKind;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.graph.Value;
import io.github.tpdiff.runtime.model.NetworkInputs;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The video transformer of Pyramid-Flow's miniFLUX (Jin et al. 2024; Flux's blocks over text and
 * the tokens of a video), for clips of one resolution.
 */
final class PyramidFluxTransformer {
  private static final int PATCH = PyramidFluxConfig.PATCH;

  /** Added to the logits of what is not seen: e to this power is 0 in every precision. */
  private static final double MASKED = -1e9;

  private final PyramidFluxConfig config;
  private final FrameAttention attention;

  PyramidFluxTransformer(PyramidFluxConfig config, FrameAttention attention) {
    this.config = config;
    this.attention = attention;
  }

  /**
   * What depends only on the prompt: {@code encoder_hidden_states} [batch, text, textDim], {@code
   * encoder_attention_mask} I64 [batch, text], 0 for padding, and {@code pooled_projections}
   * [batch, pooledDim] to {@code context} and {@code pooled_embedding}, and {@code text_bias}
   * [batch, text].
   */
  Program conditioning() {
    Value text = Value.input("encoder_hidden_states", "batch", "text", config.textDim());
    Value mask = Value.indexInput("encoder_attention_mask", "batch", "text");
    Map<String, Value> outputs = new LinkedHashMap<>();
    outputs.put("context", Layers.linear(text, "context_embedder", config.width()));
    outputs.put("text_bias", mask.cast(ElementType.F32).plus(-1).times(-MASKED));
    Value pooled = Value.input("pooled_projections", "batch", config.pooledDim());
    outputs.put("pooled_embedding", embedded(pooled, "time_text_embed.text_embedder"));
    return new Program(
        "transformer.conditioning",
        List.of(new Graph("text_embedder", outputs)),
        List.copyOf(outputs.keySet()));
  }

  /**
   * Velocity from noisy latents: {@code hidden_states} [batch, channels, frames, height, width],
   * {@code timestep} [batch] from 0 to 1000, {@code temporal_positions} [frames], {@code
   * row_positions} [height], {@code column_positions} [width] and what {@link #conditioning} gives
   * to {@code out_hidden_states}.
   */
  Program denoiser() {
    var segments = new ArrayList<Graph>();
    segments.add(embed());
    for (int i = 0; i < config.doubleBlocks(); i++) {
      segments.add(new FluxTransformerBlock(config, i).graph(attention));
    }
    for (int i = 0; i < config.singleBlocks(); i++) {
      segments.add(new FluxSingleTransformerBlock(config, i).graph(attention));
    }
    segments.add(head());
    return new Program("transformer", segments, List.of("out_hidden_states"));
  }

  private Value embedded(Value x, String name) {
    Value hidden = Layers.linear(x, name + ".linear_1", config.width()).silu();
    return Layers.linear(hidden, name + ".linear_2", config.width());
  }

  private Graph embed() {
    Value latents =
        Value.input("hidden_states", "batch", config.channels(), "frames", "height", "width");
    Value x = patches(latents);
    Value frames = Value.input(NetworkInputs.POSITIONS, "frames");
    Value textBias = Value.input("text_bias", "batch", "text");
    Value rows = Value.input(NetworkInputs.ROWS, "height");
    Value columns = Value.input(NetworkInputs.COLUMNS, "width");
    Value angles =
        RotaryAngles.ofVideo(
            frames,
            RotaryAngles.ofPatches(rows, x.dim(2), PATCH),
            RotaryAngles.ofPatches(columns, x.dim(3), PATCH),
            config.rotaryDims());
    // Text has position 0 on every axis.
    Value ofText = Value.constant(0).expand(textBias.dim(1), angles.dim(1));
    Value ofAll = Value.concat(0, ofText, angles);
    Map<String, Value> outputs = new LinkedHashMap<>();
    outputs.put("x", x);
    outputs.put("temb", temb());
    outputs.put("rope_cos", ofAll.apply(UnaryKind.COS));
    outputs.put("rope_sin", ofAll.apply(UnaryKind.SIN));
    outputs.put("attention_bias", bias(textBias, frames, x.dim(2).times(x.dim(3))));
    return new Graph("embed", outputs);
  }

  /** Activated at once: every block and the head start by that. */
  private Value temb() {
    Value sinusoid = Sinusoids.ofTimestep(Value.input("timestep", "batch"), config.freqDim());
    Value pooled = Value.input("pooled_embedding", "batch", config.width());
    return embedded(sinusoid, "time_text_embed.timestep_embedder").plus(pooled).silu();
  }

  /**
   * Tokens [batch, frames, rows, columns, width]; a patch is row, column, channel in its weight.
   */
  private Value patches(Value latents) {
    int width = config.width();
    int channels = config.channels();
    Value kernel =
        Value.weight("x_embedder.weight", width, config.patchElements())
            .reshape(width, PATCH, PATCH, channels)
            .transpose(0, 3, 1, 2)
            .reshape(width, channels, 1, PATCH, PATCH);
    var none = Op.ints(0, 0, 0);
    return latents
        .conv(
            new Op.Conv(Op.ints(1, PATCH, PATCH), none, none),
            kernel,
            Value.weight("x_embedder.bias", width))
        .transpose(0, 2, 3, 4, 1);
  }

  /** What each token does not see; see {@link JointAttention}. */
  private Value bias(Value textBias, Value frames, Dim frameTokens) {
    Dim batch = textBias.dim(0);
    Dim text = textBias.dim(1);
    Dim video = frames.dim(0).times(frameTokens);
    Dim all = text.plus(video);
    Value ofKeys = Value.concat(1, textBias, Value.constant(0).expand(batch, video));
    Value padding = ofKeys.reshape(batch, 1, 1, all);
    if (attention == FrameAttention.FULL) {
      return padding;
    }
    Value ofFrames =
        frames.reshape(frames.dim(0), 1).expand(frames.dim(0), frameTokens).reshape(video);
    Value times = Value.concat(0, Value.constant(0).expand(text), ofFrames);
    Value later = times.reshape(1, all).minus(times.reshape(all, 1)).clamp(0, 1).times(MASKED);
    return padding.plus(later.reshape(1, 1, all, all));
  }

  private Graph head() {
    int width = config.width();
    Value x = Value.input("x", "batch", "frames", "rows", "columns", width);
    Value temb = Value.input("temb", "batch", width);
    // Unlike in the blocks, the scale comes first.
    List<Value> m =
        Layers.linear(temb, "norm_out.linear", 2L * width)
            .reshape("batch", 1, 1, 1, 2 * width)
            .split(4, 2);
    Value u = x.layerNorm(PyramidFluxConfig.EPS).scaleShift(m.get(0), m.get(1));
    Value y = Layers.linear(u, "proj_out", config.patchElements());
    Value latents =
        y.reshape("batch", y.dim(1), y.dim(2), y.dim(3), PATCH, PATCH, config.channels())
            .transpose(0, 6, 1, 2, 4, 3, 5)
            .reshape(
                "batch", config.channels(), y.dim(1), y.dim(2).times(PATCH), y.dim(3).times(PATCH));
    return Graph.of("head", "out_hidden_states", latents);
  }
}
