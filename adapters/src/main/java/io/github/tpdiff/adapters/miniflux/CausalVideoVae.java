package io.github.tpdiff.adapters.miniflux;

import io.github.tpdiff.adapters.CausalFrames;
import io.github.tpdiff.adapters.CausalProgram;
import io.github.tpdiff.adapters.Chunk;
import io.github.tpdiff.adapters.Layers;
import io.github.tpdiff.adapters.miniflux.CausalVideoVaeConfig.Level;
import io.github.tpdiff.runtime.graph.Dim;
import io.github.tpdiff.runtime.graph.Op;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.graph.Value;
import java.util.List;

/**
 * The causal video autoencoder of Pyramid-Flow, chunk by chunk: memory does not grow with the
 * video. Norms and attention are of each frame by itself; frames meet in the convolutions alone,
 * none of which sees a later one.
 */
final class CausalVideoVae {
  private static final int PIXEL_CHANNELS = 3;
  private static final double EPS = 1e-6;

  /** Frames before the present one that a kernel of three frames sees. */
  private static final int CONTEXT = 2;

  private static final List<Integer> UNIT = List.of(1, 1, 1);
  private static final List<Integer> NONE = List.of(0, 0, 0);
  private static final List<Integer> BORDER = List.of(0, 1, 1);
  private static final Op.Conv SAME = new Op.Conv(UNIT, BORDER, BORDER);
  private static final Op.Conv HALF_SIZE = new Op.Conv(List.of(1, 2, 2), BORDER, BORDER);
  private static final Op.Conv HALF_FRAMES = new Op.Conv(List.of(2, 1, 1), BORDER, BORDER);
  private static final Op.Conv POINTWISE = new Op.Conv(UNIT, NONE, NONE);

  private final CausalVideoVaeConfig config;

  CausalVideoVae(CausalVideoVaeConfig config) {
    this.config = config;
  }

  /** {@code sample} to {@code latent_mean}, the mean of the posterior, not normalised. */
  Program encoder(Chunk chunk) {
    return encoder(chunk, chunk == Chunk.FIRST ? 1 : config.temporalFactor());
  }

  /** The same for chunks of several latent frames: so many frames that none is left over. */
  Program encoder(Chunk chunk, int frames) {
    int groups = config.encoderGroups();
    var walk = new CausalProgram(chunk);
    walk.start(
        "encoder.conv_in",
        Value.input("sample", "batch", PIXEL_CHANNELS, frames, "height", "width"),
        (f, x) -> causal(f, x, "encoder.conv_in", config.encoder().get(0).width()));
    for (int i = 0; i < config.encoder().size(); i++) {
      Level level = config.encoder().get(i);
      String name = "encoder.down_blocks." + i;
      residualBlocks(walk, name + ".resnets.", level.blocks(), new Widths(level.width(), groups));
      if (level.spatial()) {
        String down = name + ".downsamplers.0.conv";
        walk.add(down, (f, x) -> conv(f.withContext(x, down, CONTEXT), down, x.dim(1), HALF_SIZE));
      }
      if (level.temporal()) {
        walk.add(
            name + ".temporal_downsamplers.0",
            (f, x) -> halfFrames(f, x, name + ".temporal_downsamplers.0.conv"));
      }
    }
    middle(walk, "encoder.mid_block", groups);
    return walk.finish(
        "encoder",
        "latent_mean",
        (f, x) -> {
          int moments = 2 * config.latentChannels();
          Value y = output(f, x, "encoder", new Widths(moments, groups));
          return pointwise(y, "quant_conv", moments).slice(1, 0, config.latentChannels());
        });
  }

  /** {@code latent_sample}, de-normalised, to {@code sample}, about in [−1, 1], not clamped. */
  Program decoder(Chunk chunk) {
    return decoder(chunk, 1);
  }

  /** The same for chunks of several latent frames. */
  Program decoder(Chunk chunk, int latentFrames) {
    int groups = config.decoderGroups();
    int channels = config.latentChannels();
    int top = config.decoder().get(0).width();
    var walk = new CausalProgram(chunk);
    walk.start(
        "decoder.conv_in",
        Value.input("latent_sample", "batch", channels, latentFrames, "height", "width"),
        (f, x) -> causal(f, pointwise(x, "post_quant_conv", channels), "decoder.conv_in", top));
    middle(walk, "decoder.mid_block", groups);
    for (int i = 0; i < config.decoder().size(); i++) {
      Level level = config.decoder().get(i);
      String name = "decoder.up_blocks." + i;
      residualBlocks(walk, name + ".resnets.", level.blocks(), new Widths(level.width(), groups));
      if (level.spatial()) {
        walk.add(name + ".upsamplers.0", (f, x) -> doubleSize(f, x, name + ".upsamplers.0.conv"));
      }
      if (level.temporal()) {
        walk.add(
            name + ".temporal_upsamplers.0",
            (f, x) -> doubleFrames(f, x, name + ".temporal_upsamplers.0.conv"));
      }
    }
    return walk.finish(
        "decoder", "sample", (f, x) -> output(f, x, "decoder", new Widths(PIXEL_CHANNELS, groups)));
  }

  /** Channels that layers give, and the groups of their norms. */
  private record Widths(int out, int groups) {}

  private static void residualBlocks(CausalProgram walk, String prefix, int count, Widths widths) {
    for (int i = 0; i < count; i++) {
      String name = prefix + i;
      walk.add(name, (f, x) -> residualBlock(f, x, name, widths));
    }
  }

  private static void middle(CausalProgram walk, String name, int groups) {
    var widths = new Widths(walk.channels(), groups);
    walk.add(name + ".resnets.0", (f, x) -> residualBlock(f, x, name + ".resnets.0", widths));
    walk.add(name + ".attentions.0", (f, x) -> attention(x, name + ".attentions.0", groups));
    walk.add(name + ".resnets.1", (f, x) -> residualBlock(f, x, name + ".resnets.1", widths));
  }

  private static Value residualBlock(CausalFrames frames, Value x, String name, Widths widths) {
    Value u = norm(x, name + ".norm1", widths.groups()).silu();
    u = causal(frames, u, name + ".conv1", widths.out());
    u = norm(u, name + ".norm2", widths.groups()).silu();
    u = causal(frames, u, name + ".conv2", widths.out());
    Value skip =
        x.dim(1).is(widths.out()) ? x : pointwise(x, name + ".conv_shortcut", widths.out());
    return u.plus(skip);
  }

  private static Value output(CausalFrames frames, Value x, String half, Widths widths) {
    Value u = norm(x, half + ".conv_norm_out", widths.groups()).silu();
    return causal(frames, u, half + ".conv_out", widths.out());
  }

  /** A 3×3×3 convolution that keeps the size. */
  private static Value causal(CausalFrames frames, Value x, String name, long out) {
    return conv(frames.withContext(x, name, CONTEXT), name, Dim.of(out), SAME);
  }

  private static Value conv(Value seen, String name, Dim out, Op.Conv attributes) {
    long in = seen.dim(1).value();
    Value kernel = Value.weight(name + ".conv.weight", out.value(), in, 3, 3, 3);
    return CausalFrames.conv(seen, name + ".conv", attributes, kernel);
  }

  private static Value pointwise(Value x, String name, long out) {
    Value kernel = Value.weight(name + ".conv.weight", out, x.dim(1).value(), 1, 1, 1);
    return CausalFrames.conv(x, name + ".conv", POINTWISE, kernel);
  }

  /** Every second frame from the first of the video on, each from three frames. */
  private static Value halfFrames(CausalFrames frames, Value x, String name) {
    return conv(frames.withContext(x, name, CONTEXT, 1), name, x.dim(1), HALF_FRAMES);
  }

  /** Four pixels for each: their channels lie together, row by row. */
  private static Value doubleSize(CausalFrames frames, Value x, String name) {
    Dim batch = x.dim(0);
    Dim count = x.dim(2);
    Dim height = x.dim(3);
    Dim width = x.dim(4);
    long channels = x.dim(1).value();
    return causal(frames, x, name, 4 * channels)
        .reshape(batch, channels, 2, 2, count, height, width)
        .transpose(0, 1, 4, 5, 2, 6, 3)
        .reshape(batch, channels, count, height.times(2), width.times(2));
  }

  /** Two frames for each, save for the first of a video, of whose pair only the later one is. */
  private static Value doubleFrames(CausalFrames frames, Value x, String name) {
    Dim batch = x.dim(0);
    Dim count = x.dim(2);
    long channels = x.dim(1).value();
    Value pairs =
        causal(frames, x, name, 2 * channels)
            .reshape(batch, channels, 2, count, x.dim(3), x.dim(4))
            .transpose(0, 1, 3, 2, 4, 5)
            .reshape(batch, channels, count.times(2), x.dim(3), x.dim(4));
    return frames.chunk() == Chunk.FIRST ? pairs.slice(2, 1, 2 * count.value()) : pairs;
  }

  /** The group norm of each frame. */
  private static Value norm(Value x, String name, int groups) {
    long channels = x.dim(1).value();
    return x.transpose(0, 2, 1, 3, 4)
        .reshape(x.dim(0).times(x.dim(2)), channels, x.dim(3), x.dim(4))
        .groupNorm(
            new Op.GroupNorm(groups, EPS),
            Value.weight(name + ".weight", channels),
            Value.weight(name + ".bias", channels))
        .reshape(x.dim(0), x.dim(2), channels, x.dim(3), x.dim(4))
        .transpose(0, 2, 1, 3, 4);
  }

  /** Attention of one head over the positions of each frame. */
  private static Value attention(Value x, String name, int groups) {
    long channels = x.dim(1).value();
    Value rows =
        norm(x, name + ".group_norm", groups)
            .transpose(0, 2, 3, 4, 1)
            .reshape(x.dim(0).times(x.dim(2)), x.dim(3).times(x.dim(4)), channels);
    Value mixed =
        Layers.linear(rows, name + ".to_q", channels)
            .attention(
                new Op.Attention(1, 1 / Math.sqrt((double) channels)),
                Layers.linear(rows, name + ".to_k", channels),
                Layers.linear(rows, name + ".to_v", channels));
    return Layers.linear(mixed, name + ".to_out.0", channels)
        .reshape(x.dim(0), x.dim(2), x.dim(3), x.dim(4), channels)
        .transpose(0, 4, 1, 2, 3)
        .plus(x);
  }
}
