package io.github.tpdiff.adapters.wan;

import io.github.tpdiff.adapters.Layers;
import io.github.tpdiff.adapters.RotaryAngles;
import io.github.tpdiff.adapters.Sinusoids;
import io.github.tpdiff.runtime.graph.Dim;
import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.Op.UnaryKind;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.graph.Value;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The Wan 2.1 video transformer, text-to-video and image-to-video. */
final class WanTransformer {
  /** The image features' norms keep the framework's default, whatever the blocks use. */
  private static final double IMAGE_NORM_EPS = 1e-5;

  private final WanTransformerConfig config;
  private final List<WanTransformerBlock> blocks = new ArrayList<>();

  WanTransformer(WanTransformerConfig config) {
    this.config = config;
    for (int i = 0; i < config.layers(); i++) {
      blocks.add(new WanTransformerBlock(config, i));
    }
  }

  /** What depends only on the prompt (and image). */
  Program conditioning() {
    var segments = new ArrayList<Graph>();
    segments.add(textEmbedder());
    config.imageDim().ifPresent(width -> segments.add(imageEmbedder(width)));
    var outputs = new ArrayList<String>();
    for (WanTransformerBlock block : blocks) {
      Graph graph = block.conditioning();
      segments.add(graph);
      outputs.addAll(graph.outputs().keySet());
    }
    return new Program("transformer.conditioning", segments, outputs);
  }

  /** Velocity from noisy latents. */
  Program denoiser() {
    var segments = new ArrayList<Graph>();
    segments.add(embed());
    blocks.forEach(block -> segments.add(block.graph()));
    segments.add(head());
    return new Program("transformer", segments, List.of("out_hidden_states"));
  }

  private Graph textEmbedder() {
    String name = "condition_embedder.text_embedder";
    Value text = Value.input("encoder_hidden_states", "batch", "text", config.textDim());
    Value hidden = Layers.linear(text, name + ".linear_1", config.width()).geluTanh();
    return Graph.of(
        "text_embedder", "context", Layers.linear(hidden, name + ".linear_2", config.width()));
  }

  private Graph imageEmbedder(int imageDim) {
    String name = "condition_embedder.image_embedder";
    Value image = Value.input("encoder_hidden_states_image", "batch", "image", imageDim);
    Value u = Layers.layerNorm(image, name + ".norm1", IMAGE_NORM_EPS);
    u = Layers.linear(u, name + ".ff.net.0.proj", imageDim).geluErf();
    u = Layers.linear(u, name + ".ff.net.2", config.width());
    return Graph.of(
        "image_embedder", "image_context", Layers.layerNorm(u, name + ".norm2", IMAGE_NORM_EPS));
  }

  private Graph embed() {
    Value latents =
        Value.input("hidden_states", "batch", config.inChannels(), "frames", "height", "width");
    Value patches = Layers.patches(latents, "patch_embedding", config.width(), config.patchSize());
    Map<String, Value> outputs = new LinkedHashMap<>();
    outputs.put("x", patches.transpose(0, 2, 3, 4, 1));
    embedTime(outputs);
    embedPositions(patches, outputs);
    return new Graph("embed", outputs);
  }

  private void embedTime(Map<String, Value> outputs) {
    String name = "condition_embedder.time_embedder";
    Value sinusoid = Sinusoids.ofTimestep(Value.input("timestep", "batch"), config.freqDim());
    Value hidden = Layers.linear(sinusoid, name + ".linear_1", config.width()).silu();
    Value temb = Layers.linear(hidden, name + ".linear_2", config.width());
    outputs.put("temb", temb);
    outputs.put(
        "time_proj",
        Layers.linear(temb.silu(), "condition_embedder.time_proj", 6L * config.width()));
  }

  /** cos and sin of [tokens, headDim / 2]: the pairs of the frame axis, then rows, then columns. */
  private void embedPositions(Value patches, Map<String, Value> outputs) {
    int side = 2 * (config.headDim() / 6);
    Value frames = Value.input("temporal_positions", "frames");
    if (config.patchSize().get(0) > 1) {
      frames = frames.slice(0, Dim.of(0), patches.dim(2));
    }
    Value table =
        RotaryAngles.ofVideo(
            frames,
            patches.dim(3),
            patches.dim(4),
            List.of(config.headDim() - 2 * side, side, side));
    outputs.put("rope_cos", table.apply(UnaryKind.COS));
    outputs.put("rope_sin", table.apply(UnaryKind.SIN));
  }

  private Graph head() {
    int width = config.width();
    Value x = Value.input("x", "batch", "frames", "rows", "columns", width);
    Value temb = Value.input("temb", "batch", width);
    // Unlike in the blocks, the embedding itself: neither activation nor projection.
    List<Value> m =
        Value.weight("scale_shift_table", 1, 2, width)
            .plus(temb.reshape("batch", 1, width))
            .split(1, 2);
    Value u =
        x.layerNorm(config.eps()).scaleShift(overGrid(m.get(1), width), overGrid(m.get(0), width));
    return Graph.of(
        "head", "out_hidden_states", unpatchify(Layers.linear(u, "proj_out", config.outPatch())));
  }

  private static Value overGrid(Value modulation, int width) {
    return modulation.reshape("batch", 1, 1, 1, width);
  }

  /** A token's elements are ordered frame, row, column, channel. */
  private Value unpatchify(Value y) {
    int pt = config.patchSize().get(0);
    int ph = config.patchSize().get(1);
    int pw = config.patchSize().get(2);
    Dim frames = y.dim(1);
    Dim rows = y.dim(2);
    Dim columns = y.dim(3);
    int channels = config.outChannels();
    return y.reshape("batch", frames, rows, columns, pt, ph, pw, channels)
        .transpose(0, 7, 1, 4, 2, 5, 3, 6)
        .reshape("batch", channels, frames.times(pt), rows.times(ph), columns.times(pw));
  }
}
