package io.github.tpdiff.adapters.wan;

import io.github.tpdiff.adapters.Layers;
import io.github.tpdiff.adapters.RotaryAngles;
import io.github.tpdiff.adapters.Sinusoids;
import io.github.tpdiff.runtime.graph.Dim;
import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.Op.UnaryKind;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.graph.Shape;
import io.github.tpdiff.runtime.graph.Value;
import io.github.tpdiff.runtime.model.NetworkInputs;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The video transformer of Wan 2.1 and 2.2, for text and for pictures.
 *
 * <p>What a picture gives reaches the denoiser as {@code condition}: further channels beside the
 * noisy latents (a mask and latents, Wan 2.1), or a mask of given frames and their latents (Wan 2.2
 * TI2V), which take the place of the noisy ones.
 */
final class WanTransformer {
  static final String CONDITION = "condition";

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
    config.image().ifPresent(image -> segments.add(imageEmbedder(image)));
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
    return new Program("transformer", segments, List.of(NetworkInputs.PREDICTION));
  }

  private Graph textEmbedder() {
    String name = "condition_embedder.text_embedder";
    Value text = Value.input("encoder_hidden_states", "batch", "text", config.textDim());
    Value hidden = Layers.linear(text, name + ".linear_1", config.width()).geluTanh();
    return Graph.of(
        "text_embedder", "context", Layers.linear(hidden, name + ".linear_2", config.width()));
  }

  /** Of several pictures of a clip the rows follow one another. */
  private Graph imageEmbedder(WanTransformerConfig.ImageBranch branch) {
    String name = "condition_embedder.image_embedder";
    Dim rows = branch.positions().map(Dim::of).orElse(Dim.symbol("image"));
    Value u = Value.input("encoder_hidden_states_image", "batch", rows, branch.dim());
    if (branch.positions().isPresent()) {
      u = u.plus(Value.weight(name + ".pos_embed", 1, rows.value(), branch.dim()));
    }
    u = Layers.layerNorm(u, name + ".norm1", IMAGE_NORM_EPS);
    u = Layers.linear(u, name + ".ff.net.0.proj", branch.dim()).geluErf();
    u = Layers.linear(u, name + ".ff.net.2", config.width());
    return Graph.of(
        "image_embedder", "image_context", Layers.layerNorm(u, name + ".norm2", IMAGE_NORM_EPS));
  }

  private Graph embed() {
    Value latents = latentInput(NetworkInputs.LATENTS, config.outChannels());
    Value x =
        switch (config.timesteps()) {
          case PER_CLIP ->
              config.conditionChannels() == 0
                  ? latents
                  : Value.concat(1, latents, latentInput(CONDITION, config.conditionChannels()));
          case PER_FRAME -> withGivenFrames(latents);
          case PER_TOKEN -> latents;
        };
    Value patches = Layers.patches(x, "patch_embedding", config.width(), config.patchSize());
    Value tokens = patches.transpose(0, 2, 3, 4, 1);
    Map<String, Value> outputs = new LinkedHashMap<>();
    outputs.put("x", tokens);
    embedTime(tokens.shape(), outputs);
    embedPositions(patches, outputs);
    return new Graph("embed", outputs);
  }

  private static Value latentInput(String name, int channels) {
    return Value.input(name, "batch", channels, "frames", "height", "width");
  }

  /** 1 in given frames, else 0, and behind it their latents. */
  private Value given() {
    return latentInput(CONDITION, 1 + config.outChannels());
  }

  /** The mask of frames, [batch, 1, frames, 1, 1]. */
  private Value givenFrames() {
    return given().slice(1, 0, 1).slice(3, 0, 1).slice(4, 0, 1);
  }

  private Value withGivenFrames(Value latents) {
    Value mask = given().slice(1, 0, 1);
    Value known = given().slice(1, 1, 1 + config.outChannels());
    return latents.times(complement(mask)).plus(known.times(mask));
  }

  private static Value complement(Value mask) {
    return mask.times(-1).plus(1);
  }

  /** The time of each clip, frame or token. */
  private Value times(Shape grid) {
    return switch (config.timesteps()) {
      case PER_CLIP -> Value.input(NetworkInputs.TIMESTEP, "batch");
      case PER_FRAME ->
          Value.input(NetworkInputs.TIMESTEP, "batch")
              .reshape("batch", 1)
              .times(complement(givenFrames().reshape("batch", "frames")));
      case PER_TOKEN -> Value.input(NetworkInputs.TIMESTEP, config.timesteps().extents(grid));
    };
  }

  private void embedTime(Shape grid, Map<String, Value> outputs) {
    String name = "condition_embedder.time_embedder";
    Value sinusoid = Sinusoids.ofTimestep(times(grid), config.freqDim());
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
    Value table =
        RotaryAngles.ofVideo(
            positions(NetworkInputs.POSITIONS, "frames", 0, patches),
            positions(NetworkInputs.ROWS, "height", 1, patches),
            positions(NetworkInputs.COLUMNS, "width", 2, patches),
            List.of(config.headDim() - 2 * side, side, side));
    outputs.put("rope_cos", table.apply(UnaryKind.COS));
    outputs.put("rope_sin", table.apply(UnaryKind.SIN));
  }

  /** The positions of tokens along an axis: 0 for frames, 1 for rows, 2 for columns. */
  private Value positions(String input, String latents, int axis, Value patches) {
    return RotaryAngles.ofPatches(
        Value.input(input, latents), patches.dim(2 + axis), config.patchSize().get(axis));
  }

  private Graph head() {
    int width = config.width();
    Value x = Value.input("x", "batch", "frames", "rows", "columns", width);
    Timesteps times = config.timesteps();
    Value temb = Value.input("temb", times.extents(x.shape(), width));
    // Unlike in the blocks, the embedding itself: neither activation nor projection.
    List<Value> m =
        Value.weight("scale_shift_table", 1, 2, width)
            .plus(temb.reshape(times.extents(x.shape(), 1, width)))
            .split(-2, 2);
    Object[] overGrid = times.overGrid(x.shape(), width);
    Value u =
        x.layerNorm(config.eps())
            .scaleShift(m.get(1).reshape(overGrid), m.get(0).reshape(overGrid));
    Value prediction = unpatchify(Layers.linear(u, "proj_out", config.outPatch()));
    return Graph.of(
        "head",
        NetworkInputs.PREDICTION,
        times == Timesteps.PER_FRAME // given frames stay as they are
            ? prediction.times(complement(givenFrames()))
            : prediction);
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
