package io.github.tpdiff.adapters.animatediff;

import io.github.tpdiff.adapters.Layers;
import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.Op;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.graph.Value;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiFunction;
import java.util.function.UnaryOperator;

/**
 * Stable Diffusion's autoencoder (Rombach et al. 2022), each frame a picture of its own: a clip may
 * be cut into pieces of any number of frames, so memory need not grow with its length.
 *
 * <p>Between segments flow [batch, frames, C, height, width], which {@link Pictures} fold.
 */
final class AutoencoderKl {
  private static final int PIXEL_CHANNELS = 3;
  private static final double EPS = 1e-6;

  /** Halves height and width; zeros on the right and below only. */
  private static final Op.Conv HALVING = new Op.Conv(List.of(2, 2), List.of(0, 0), List.of(1, 1));

  private final AutoencoderKlConfig config;

  AutoencoderKl(AutoencoderKlConfig config) {
    this.config = config;
  }

  /** {@code sample} to {@code latent_mean}, the mean of the posterior, not scaled. */
  Program encoder() {
    var walk = new Walk(config.widths().get(0));
    walk.begin(
        "encoder.conv_in",
        Value.input("sample", "batch", PIXEL_CHANNELS, "frames", "height", "width"),
        x -> PictureLayers.conv3x3(x, "encoder.conv_in", config.widths().get(0)));
    for (int level = 0; level < config.levels(); level++) {
      String name = "encoder.down_blocks." + level;
      int width = config.widths().get(level);
      for (int i = 0; i < config.resBlocks(); i++) {
        walk.resnet(name + ".resnets." + i, width);
      }
      if (level < config.levels() - 1) {
        walk.add(
            name + ".downsamplers.0",
            (n, x) -> PictureLayers.conv3x3(x, n + ".conv", width, HALVING));
      }
    }
    walk.middle("encoder");
    int moments = 2 * config.latentChannels();
    return walk.finish(
        "encoder",
        "latent_mean",
        x ->
            PictureLayers.pointwise(output(x, "encoder", moments), "quant_conv", moments)
                .slice(1, 0, config.latentChannels()));
  }

  /** {@code latent_sample}, not scaled, to {@code sample}, which may leave [−1, 1]. */
  Program decoder() {
    int top = config.widths().get(config.levels() - 1);
    var walk = new Walk(top);
    walk.begin(
        "decoder.conv_in",
        Value.input("latent_sample", "batch", config.latentChannels(), "frames", "height", "width"),
        x ->
            PictureLayers.conv3x3(
                PictureLayers.pointwise(x, "post_quant_conv", config.latentChannels()),
                "decoder.conv_in",
                top));
    walk.middle("decoder");
    for (int block = 0; block < config.levels(); block++) {
      String name = "decoder.up_blocks." + block;
      int width = config.widths().get(config.levels() - 1 - block);
      for (int i = 0; i <= config.resBlocks(); i++) {
        walk.resnet(name + ".resnets." + i, width);
      }
      if (block < config.levels() - 1) {
        walk.add(
            name + ".upsamplers.0",
            (n, x) -> PictureLayers.conv3x3(x.repeat(1, 1, 2, 2), n + ".conv", width));
      }
    }
    return walk.finish("decoder", "sample", x -> output(x, "decoder", PIXEL_CHANNELS));
  }

  /** The segments so far and the channels that flow between them. */
  private final class Walk {
    private final List<Graph> segments = new ArrayList<>();
    private long channels;

    Walk(long channels) {
      this.channels = channels;
    }

    private Value flow() {
      return Value.input("x", "batch", "frames", channels, "height", "width");
    }

    void begin(String name, Value clip, UnaryOperator<Value> layer) {
      Value frames = clip.transpose(0, 2, 1, 3, 4);
      segments.add(Graph.of(name, "x", Pictures.each(frames, layer)));
    }

    void add(String name, BiFunction<String, Value, Value> layer) {
      Value result = Pictures.each(flow(), x -> layer.apply(name, x));
      segments.add(Graph.of(name, "x", result));
      channels = result.dim(2).value();
    }

    void resnet(String name, int width) {
      add(name, (n, x) -> AutoencoderKl.this.resnet(n, x, width));
    }

    void middle(String half) {
      String name = half + ".mid_block";
      int width = Math.toIntExact(channels);
      resnet(name + ".resnets.0", width);
      add(name + ".attentions.0", AutoencoderKl.this::attention);
      resnet(name + ".resnets.1", width);
    }

    Program finish(String half, String output, UnaryOperator<Value> layer) {
      Value clip = Pictures.each(flow(), layer).transpose(0, 2, 1, 3, 4);
      segments.add(Graph.of(half + ".conv_out", output, clip));
      return new Program("vae." + half, segments, List.of(output));
    }
  }

  private Value norm(Value x, String name) {
    return PictureLayers.groupNorm(x, name, new Op.GroupNorm(config.normGroups(), EPS));
  }

  private Value resnet(String name, Value x, int width) {
    Value u = PictureLayers.conv3x3(norm(x, name + ".norm1").silu(), name + ".conv1", width);
    u = PictureLayers.conv3x3(norm(u, name + ".norm2").silu(), name + ".conv2", width);
    Value skip =
        x.dim(1).is(width) ? x : PictureLayers.pointwise(x, name + ".conv_shortcut", width);
    return u.plus(skip);
  }

  private Value output(Value x, String half, int channels) {
    Value u = norm(x, half + ".conv_norm_out").silu();
    return PictureLayers.conv3x3(u, half + ".conv_out", channels);
  }

  /** Attention of one head over the positions of a picture. */
  private Value attention(String name, Value x) {
    long c = x.dim(1).value();
    Value rows =
        norm(x, name + ".group_norm")
            .reshape(x.dim(0), c, x.dim(2).times(x.dim(3)))
            .transpose(0, 2, 1);
    Value mixed =
        Layers.linear(rows, name + ".to_q", c)
            .attention(
                new Op.Attention(1, 1 / Math.sqrt((double) c)),
                Layers.linear(rows, name + ".to_k", c),
                Layers.linear(rows, name + ".to_v", c));
    return Layers.linear(mixed, name + ".to_out.0", c)
        .transpose(0, 2, 1)
        .reshape(x.dim(0), c, x.dim(2), x.dim(3))
        .plus(x);
  }
}
