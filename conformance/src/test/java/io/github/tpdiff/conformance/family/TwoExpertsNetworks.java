package io.github.tpdiff.conformance.family;

import io.github.tpdiff.runtime.graph.Dim;
import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.Op;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.graph.Value;
import io.github.tpdiff.runtime.model.NetworkInputs;
import java.util.Collections;
import java.util.List;

/**
 * The programs of {@link TwoExpertsFamily}: as small as they can be and still be wrong if any of
 * their inputs is.
 */
final class TwoExpertsNetworks {
  static final int WORDS = 128;
  static final int TEXT = 8;
  static final int WIDTH = 8;
  static final int POOLED = 6;
  static final int CHANNELS = 4;
  static final int FACTOR = 8;
  static final String STATES = "encoder_hidden_states";
  static final String POOLED_ROW = "pooled_projections";
  static final String PICTURE_LATENTS = "picture_latents";

  private TwoExpertsNetworks() {}

  /** A row for each token. */
  static Program states() {
    Value rows = Value.weight("tokens.weight", WORDS, WIDTH).gather(ids());
    return program("text_encoder", "last_hidden_state", linear(rows, "project", WIDTH).silu());
  }

  /** A row for the last token, which is padding in short prompts. */
  static Program pooled() {
    Value rows = Value.weight("tokens.weight", WORDS, POOLED).gather(ids());
    Value last = rows.slice(1, TEXT - 1, TEXT).reshape(Dim.symbol("batch"), POOLED);
    return program("text_encoder_2", "pooled", linear(last, "project", POOLED));
  }

  private static Value ids() {
    return Value.indexInput("input_ids", "batch", TEXT);
  }

  /** The picture at every frame, fainter the later that is. */
  static Program picture() {
    Value picture = Value.input("sample", "batch", 3, 1, "picture_height", "picture_width");
    Value faint =
        Value.input("positions", "frames").plus(1).reshape(1, 1, Dim.symbol("frames"), 1, 1);
    Value latents = patches(picture, "patches");
    Value spread =
        latents.expand(
            latents.dim(0), CHANNELS, Dim.symbol("frames"), latents.dim(3), latents.dim(4));
    return program("image_encoder", "latents", spread.dividedBy(faint));
  }

  /** What the network needs of both texts, as one row. */
  static Program conditioning() {
    Value states = Value.input(STATES, "batch", TEXT, WIDTH);
    Value pooled = Value.input(POOLED_ROW, "batch", POOLED);
    Value first = states.slice(1, 0, 1).reshape(Dim.symbol("batch"), WIDTH);
    Value row =
        linear(first, "context.states", CHANNELS).plus(linear(pooled, "context.pooled", CHANNELS));
    return program("conditioning", "context", row.silu());
  }

  /**
   * Noisy latents, mixed over channels and neighbouring frames, under everything they depend on.
   */
  static Program denoiser() {
    Dim batch = Dim.symbol("batch");
    Dim frames = Dim.symbol("frames");
    Value x = Value.input(NetworkInputs.LATENTS, "batch", CHANNELS, "frames", "height", "width");
    Value time =
        Value.input(NetworkInputs.TIMESTEP, "batch").times(1e-3).reshape(batch, 1, 1, 1, 1);
    Value positions =
        Value.input(NetworkInputs.POSITIONS, "frames").times(0.1).reshape(1, 1, frames, 1, 1);
    Value context = Value.input("context", "batch", CHANNELS).reshape(batch, CHANNELS, 1, 1, 1);
    Value picture = Value.input(PICTURE_LATENTS, "batch", CHANNELS, "frames", "height", "width");
    Value given = x.plus(picture).plus(context).plus(positions).plus(time);
    Graph embed = Graph.of("embed", "hidden", mixed(given, "embed"));
    Value hidden = Value.input("hidden", "batch", CHANNELS, "frames", "height", "width");
    Graph block =
        Graph.of("block_0", "hidden", hidden.plus(mixed(hidden, "blocks.0.attn1.to_q").silu()));
    Graph head = Graph.of("head", NetworkInputs.PREDICTION, mixed(hidden, "head"));
    return new Program(
        "transformer", List.of(embed, block, head), List.of(NetworkInputs.PREDICTION));
  }

  /** A linear layer over the channels. */
  private static Value mixed(Value x, String name) {
    Value last = x.transpose(0, 2, 3, 4, 1);
    return linear(last, name, CHANNELS).transpose(0, 4, 1, 2, 3);
  }

  static Program encoder() {
    Value frame = Value.input("sample", "batch", 3, 1, "picture_height", "picture_width");
    return program("vae_encoder", "latent_mean", patches(frame, "encoder"));
  }

  static Program decoder() {
    Value latent = Value.input("latent_sample", "batch", CHANNELS, 1, "height", "width");
    Dim height = Dim.symbol("height");
    Dim width = Dim.symbol("width");
    Value pixels =
        linear(latent.transpose(0, 2, 3, 4, 1), "decoder", 3 * FACTOR * FACTOR)
            .reshape(Dim.symbol("batch"), height, width, 3, FACTOR, FACTOR)
            .transpose(0, 3, 1, 4, 2, 5)
            .reshape(Dim.symbol("batch"), 3, 1, height.times(FACTOR), width.times(FACTOR));
    return program("vae_decoder", "sample", pixels);
  }

  private static Value linear(Value x, String name, int out) {
    return x.linear(
        Value.weight(name + ".weight", out, x.dim(-1).value()), Value.weight(name + ".bias", out));
  }

  private static Value patches(Value frames, String name) {
    List<Integer> kernel = List.of(1, FACTOR, FACTOR);
    List<Integer> none = Collections.nCopies(3, 0);
    return frames.conv(
        new Op.Conv(kernel, none, none),
        Value.weight(name + ".weight", CHANNELS, 3, 1, FACTOR, FACTOR),
        Value.weight(name + ".bias", CHANNELS));
  }

  private static Program program(String name, String output, Value value) {
    return new Program(name, List.of(Graph.of(name, output, value)), List.of(output));
  }
}
