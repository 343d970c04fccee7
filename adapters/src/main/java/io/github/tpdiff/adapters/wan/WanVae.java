package io.github.tpdiff.adapters.wan;

import io.github.tpdiff.adapters.CausalProgram;
import io.github.tpdiff.adapters.Chunk;
import io.github.tpdiff.runtime.graph.Op;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.graph.Value;
import java.util.List;

/**
 * The causal video autoencoder of Wan, chunk by chunk: memory does not grow with the video.
 *
 * <p>Each chunk carries what its causal convolutions must see of the frames before as state named
 * after the layer. In Wan 2.2's, pixels are gathered to patches, and a level's result is that of
 * its layers plus what its input comes to by averaging or repeating.
 */
final class WanVae {
  private final WanVaeConfig config;
  private final Cells patch;

  WanVae(WanVaeConfig config) {
    this.config = config;
    this.patch = new Cells(1, config.patchSize());
  }

  /** {@code sample} to {@code latent_mean}, the mean of the posterior, not normalised. */
  Program encoder(Chunk chunk) {
    int frames = chunk == Chunk.FIRST ? 1 : config.temporalFactor();
    var walk = new CausalProgram(chunk);
    walk.start(
        "encoder.conv_in",
        Value.input("sample", "batch", WanVaeConfig.COLOURS, frames, "height", "width"),
        (f, x) ->
            new CausalSegment(f)
                .causalConv(patch.patches(x), "encoder.conv_in", config.baseDim(), 3));
    for (int level = 0; level < config.levels(); level++) {
      down(walk, level);
    }
    middle(walk, "encoder");
    return walk.finish(
        "encoder",
        "latent_mean",
        (f, x) -> {
          int moments = 2 * config.latentChannels();
          Value y = output(new CausalSegment(f), x, "encoder", moments);
          y = CausalSegment.pointwise(y, "quant_conv", moments);
          return y.slice(1, 0, config.latentChannels());
        });
  }

  private void down(CausalProgram walk, int level) {
    Value start = walk.flow();
    int width = config.width(level);
    for (int i = 0; i < config.resBlocks(); i++) {
      resBlock(walk, downName(level, i), width);
    }
    boolean last = level == config.levels() - 1;
    boolean halves = !last && config.temporalDownsample().get(level);
    String name = last ? "encoder.down_blocks." + level : downName(level, config.resBlocks());
    if (!config.residual()) {
      if (!last) {
        walk.add(name, (f, x) -> downsample(new CausalSegment(f), name, x, halves));
      }
      return;
    }
    var cells = new Cells(halves ? 2 : 1, last ? 1 : 2);
    walk.add(
        name,
        (f, x) ->
            (last ? x : downsample(new CausalSegment(f), name, x, halves))
                .plus(cells.averaged(start, width)));
  }

  /** Without shortcuts the encoder's layers are numbered through all levels. */
  private String downName(int level, int place) {
    if (!config.residual()) {
      return "encoder.down_blocks." + (level * (config.resBlocks() + 1) + place);
    }
    return "encoder.down_blocks."
        + level
        + (place < config.resBlocks() ? ".resnets." + place : ".downsampler");
  }

  /** {@code latent_sample}, de-normalised, to {@code sample} in [−1, 1]. */
  Program decoder(Chunk chunk) {
    int top = config.decoderWidth(config.levels() - 1);
    var walk = new CausalProgram(chunk);
    walk.start(
        "decoder.conv_in",
        Value.input("latent_sample", "batch", config.latentChannels(), 1, "height", "width"),
        (f, x) ->
            new CausalSegment(f)
                .causalConv(
                    CausalSegment.pointwise(x, "post_quant_conv", config.latentChannels()),
                    "decoder.conv_in",
                    top,
                    3));
    middle(walk, "decoder");
    for (int block = 0; block < config.levels(); block++) {
      up(walk, block);
    }
    return walk.finish(
        "decoder",
        "sample",
        (f, x) ->
            patch
                .pixels(output(new CausalSegment(f), x, "decoder", config.patchChannels()))
                .clamp(-1, 1));
  }

  private void up(CausalProgram walk, int block) {
    Value start = walk.flow();
    int level = config.levels() - 1 - block;
    int width = config.decoderWidth(level);
    String name = "decoder.up_blocks." + block;
    for (int i = 0; i <= config.resBlocks(); i++) {
      resBlock(walk, name + ".resnets." + i, width);
    }
    if (level == 0) {
      return;
    }
    boolean doubles = config.temporalDownsample().get(level - 1);
    if (!config.residual()) {
      String up = name + ".upsamplers.0";
      walk.add(
          up, (f, x) -> upsample(new CausalSegment(f), up, x, new Doubling(doubles, width / 2)));
      return;
    }
    String up = name + ".upsampler";
    var cells = new Cells(doubles ? 2 : 1, 2);
    walk.add(
        up,
        (f, x) -> {
          Value y = upsample(new CausalSegment(f), up, x, new Doubling(doubles, width));
          Value shortcut = cells.duplicated(start, width);
          // The first frame of a video stays one: it is the last of its cell.
          return y.plus(
              shortcut.slice(
                  2, shortcut.dim(2).value() - y.dim(2).value(), shortcut.dim(2).value()));
        });
  }

  private static void resBlock(CausalProgram walk, String name, int width) {
    walk.add(name, (frames, x) -> resBlock(new CausalSegment(frames), name, x, width));
  }

  private static void middle(CausalProgram walk, String half) {
    String name = half + ".mid_block";
    resBlock(walk, name + ".resnets.0", walk.channels());
    walk.add(name + ".attentions.0", (frames, x) -> attention(name + ".attentions.0", x));
    resBlock(walk, name + ".resnets.1", walk.channels());
  }

  private static Value resBlock(CausalSegment segment, String name, Value x, int width) {
    Value u = segment.causalConv(norm(x, name + ".norm1", 3).silu(), name + ".conv1", width, 3);
    u = segment.causalConv(norm(u, name + ".norm2", 3).silu(), name + ".conv2", width, 3);
    Value skip =
        x.dim(1).is(width) ? x : CausalSegment.pointwise(x, name + ".conv_shortcut", width);
    return u.plus(skip);
  }

  private static Value output(CausalSegment segment, Value x, String half, int channels) {
    Value u = norm(x, half + ".norm_out", 3).silu();
    return segment.causalConv(u, half + ".conv_out", channels, 3);
  }

  /** x / ‖x‖ · √C · γ over the channels; γ carries {@code axes} ones, by the layer it came from. */
  private static Value norm(Value x, String name, int axes) {
    long channels = x.dim(1).value();
    long[] shape = new long[axes + 1];
    java.util.Arrays.fill(shape, 1);
    shape[0] = channels;
    Value gamma = Value.weight(name + ".gamma", shape);
    return x.l2Normalize(1)
        .times(Math.sqrt((double) channels))
        .times(axes == 3 ? gamma : gamma.reshape(channels, 1, 1, 1));
  }

  /** Attention of one head over the positions of each frame. */
  private static Value attention(String name, Value x) {
    long c = x.dim(1).value();
    var grid = new Object[] {x.dim(0), x.dim(2), x.dim(3), x.dim(4), c};
    Value rows =
        norm(x, name + ".norm", 2)
            .transpose(0, 2, 3, 4, 1)
            .reshape(x.dim(0).times(x.dim(2)), x.dim(3).times(x.dim(4)), c);
    List<Value> qkv = pixelLinear(rows, name + ".to_qkv", 3 * c).split(2, 3);
    Value mixed =
        qkv.get(0)
            .attention(new Op.Attention(1, 1 / Math.sqrt((double) c)), qkv.get(1), qkv.get(2));
    return pixelLinear(mixed, name + ".proj", c).reshape(grid).transpose(0, 4, 1, 2, 3).plus(x);
  }

  /** A 1×1 convolution of frames, over rows of channels. */
  private static Value pixelLinear(Value rows, String name, long out) {
    long in = rows.dim(-1).value();
    return rows.linear(
        Value.weight(name + ".weight", out, in, 1, 1).reshape(out, in),
        Value.weight(name + ".bias", out));
  }

  private static Value downsample(
      CausalSegment segment, String name, Value x, boolean halvesFrames) {
    Value y =
        CausalSegment.frameConv(
            x, name + ".resample.1", x.dim(1).value(), CausalSegment.FrameConv.HALVING);
    return halvesFrames ? segment.halveFrames(y, name + ".time_conv") : y;
  }

  /** What becomes of a level's frames on the way up, and to how many channels. */
  private record Doubling(boolean doublesFrames, int width) {}

  private static Value upsample(CausalSegment segment, String name, Value x, Doubling doubling) {
    Value y = doubling.doublesFrames() ? segment.doubleFrames(x, name + ".time_conv") : x;
    return CausalSegment.frameConv(
        y.repeat(1, 1, 1, 2, 2),
        name + ".resample.1",
        doubling.width(),
        CausalSegment.FrameConv.SAME);
  }
}
