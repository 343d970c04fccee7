package io.github.tpdiff.adapters.animatediff;

import com.google.common.collect.Lists;
import io.github.tpdiff.adapters.Layers;
import io.github.tpdiff.adapters.Sinusoids;
import io.github.tpdiff.runtime.graph.Dim;
import io.github.tpdiff.runtime.graph.ElementType;
import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.Op;
import io.github.tpdiff.runtime.graph.Op.UnaryKind;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.graph.Value;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;

/**
 * The Stable Diffusion 1.5 UNet with a motion module behind every attention ({@code
 * UNetMotionModel} of diffusers).
 *
 * <p>Clips flow between segments as [batch, frames, C, height, width]. A segment's symbols are its
 * own: {@code height} means the height at its level.
 */
final class UnetMotionModel {
  private static final Op.Conv HALVED = new Op.Conv(List.of(2, 2), List.of(1, 1), List.of(1, 1));

  /** What a position table of this width is called between segments. */
  private static final String POSITIONS = "positions.";

  private final UnetConfig config;
  private final MotionConfig motion;

  /** A result that the way up reads again. */
  private record Skip(String name, int channels) {
    Value clip() {
      return UnetMotionModel.clip(name, channels, "height", "width");
    }
  }

  /** A segment under construction: the clip it works on and what else its layers read. */
  private final class Unit {
    private final Value temb = Value.input("temb", "batch", config.timeWidth());
    private Value x;

    Unit(Value x) {
      this.x = x;
    }

    void resnet(String name, int channels) {
      x = new ResnetBlock(config, name, channels).apply(x, temb);
    }

    void attention(String name) {
      x = new SpatialTransformer(config, name, channels()).apply(x);
    }

    void motionModule(String name) {
      Value positions = Value.input(POSITIONS + channels(), "frames", channels());
      x = new MotionModule(motion, name, channels()).apply(x, positions);
    }

    private int channels() {
      return Math.toIntExact(x.dim(2).value());
    }
  }

  UnetMotionModel(UnetConfig config, MotionConfig motion) {
    this.config = config;
    this.motion = motion;
  }

  /** What depends only on the prompt. */
  Program conditioning() {
    var segments = new ArrayList<Graph>();
    var outputs = new ArrayList<String>();
    for (SpatialTransformer transformer : transformers()) {
      Graph graph = transformer.conditioning();
      segments.add(graph);
      outputs.addAll(graph.outputs().keySet());
    }
    return new Program("unet.conditioning", segments, outputs);
  }

  private List<SpatialTransformer> transformers() {
    var transformers = new ArrayList<SpatialTransformer>();
    for (int level = 0; level < config.levels(); level++) {
      for (int j = 0; j < config.layers() && config.attentive().get(level); j++) {
        transformers.add(transformer("down_blocks.%s.attentions.%s".formatted(level, j), level));
      }
    }
    transformers.add(transformer("mid_block.attentions.0", config.levels() - 1));
    for (int block = 0; block < config.levels(); block++) {
      int level = config.levels() - 1 - block;
      for (int j = 0; j <= config.layers() && config.attentive().get(level); j++) {
        transformers.add(transformer("up_blocks.%s.attentions.%s".formatted(block, j), level));
      }
    }
    return transformers;
  }

  private SpatialTransformer transformer(String name, int level) {
    return new SpatialTransformer(config, name, config.widths().get(level));
  }

  /** Noise from noisy latents. */
  Program denoiser() {
    var segments = new ArrayList<Graph>();
    var skips = new ArrayList<Skip>();
    segments.add(embed(skips));
    for (int level = 0; level < config.levels(); level++) {
      down(level, skips, segments);
    }
    segments.add(middle(skips));
    List<Skip> remaining = Lists.newArrayList(Lists.reverse(skips));
    for (int block = 0; block < config.levels(); block++) {
      up(block, remaining, segments);
    }
    segments.add(head());
    return new Program("unet", segments, List.of("out_hidden_states"));
  }

  private Graph embed(List<Skip> skips) {
    Value latents =
        Value.input("hidden_states", "batch", config.channels(), "frames", "height", "width");
    int width = config.widths().get(0);
    Map<String, Value> outputs = new LinkedHashMap<>();
    Value x =
        Pictures.each(
            latents.transpose(0, 2, 1, 3, 4), p -> PictureLayers.conv3x3(p, "conv_in", width));
    outputs.put(add(skips, width), x);
    outputs.put("temb", embedTime());
    Value positions = Value.input("temporal_positions", "frames");
    for (int channels : new LinkedHashSet<>(config.widths())) {
      outputs.put(POSITIONS + channels, rows(positions, channels));
    }
    return new Graph("embed", outputs);
  }

  private static String add(List<Skip> skips, int channels) {
    String name = "skip." + skips.size();
    skips.add(new Skip(name, channels));
    return name;
  }

  /** Activated at once: every residual block starts by that. */
  private Value embedTime() {
    int width = config.widths().get(0);
    Value sinusoid = Sinusoids.ofTimestep(Value.input("timestep", "batch"), width);
    Value hidden = Layers.linear(sinusoid, "time_embedding.linear_1", config.timeWidth()).silu();
    return Layers.linear(hidden, "time_embedding.linear_2", config.timeWidth()).silu();
  }

  /** Rows of the position table [frames, channels]. */
  private Value rows(Value positions, int channels) {
    return switch (motion.table()) {
      case COMPUTED -> sinusoid(positions, channels);
      case STORED ->
          Value.weight(PositionTable.name(channels), 1, motion.positions(), channels)
              .reshape(motion.positions(), channels)
              .gather(positions.cast(ElementType.I64));
    };
  }

  /** The formula of the position table [frames, channels]: sine and cosine by turns. */
  private static Value sinusoid(Value positions, int channels) {
    Value angles = positions.reshape("frames", 1).times(Sinusoids.frequencies(channels));
    Value sine = angles.apply(UnaryKind.SIN).reshape("frames", channels / 2, 1);
    Value cosine = angles.apply(UnaryKind.COS).reshape("frames", channels / 2, 1);
    return Value.concat(2, sine, cosine).reshape("frames", channels);
  }

  private void down(int level, List<Skip> skips, List<Graph> segments) {
    String block = "down_blocks." + level;
    int channels = config.widths().get(level);
    for (int j = 0; j < config.layers(); j++) {
      var unit = new Unit(last(skips));
      unit.resnet(block + ".resnets." + j, channels);
      if (config.attentive().get(level)) {
        unit.attention(block + ".attentions." + j);
      }
      unit.motionModule(block + ".motion_modules." + j);
      segments.add(Graph.of(block + ".layers." + j, add(skips, channels), unit.x));
    }
    if (level < config.levels() - 1) {
      String name = block + ".downsamplers.0";
      Value smaller =
          Pictures.each(
              last(skips), p -> PictureLayers.conv3x3(p, name + ".conv", channels, HALVED));
      segments.add(Graph.of(name, add(skips, channels), smaller));
    }
  }

  private static Value last(List<Skip> skips) {
    return skips.get(skips.size() - 1).clip();
  }

  private static Value clip(String name, int channels, String height, String width) {
    return Value.input(name, "batch", "frames", channels, height, width);
  }

  private Graph middle(List<Skip> skips) {
    int channels = config.widths().get(config.levels() - 1);
    var unit = new Unit(last(skips));
    unit.resnet("mid_block.resnets.0", channels);
    unit.attention("mid_block.attentions.0");
    if (motion.middle()) {
      unit.motionModule("mid_block.motion_modules.0");
    }
    unit.resnet("mid_block.resnets.1", channels);
    return Graph.of("mid_block", "x", unit.x);
  }

  private void up(int block, List<Skip> remaining, List<Graph> segments) {
    String name = "up_blocks." + block;
    int level = config.levels() - 1 - block;
    int channels = config.widths().get(level);
    for (int j = 0; j <= config.layers(); j++) {
      Value skip = remaining.remove(0).clip();
      int below = j == 0 && block > 0 ? config.widths().get(level + 1) : channels;
      Value x =
          j == 0 && block > 0
              ? upsampled("up_blocks." + (block - 1), below, skip)
              : clip("x", below, "height", "width");
      var unit = new Unit(Value.concat(2, x, skip));
      unit.resnet(name + ".resnets." + j, channels);
      if (config.attentive().get(level)) {
        unit.attention(name + ".attentions." + j);
      }
      unit.motionModule(name + ".motion_modules." + j);
      segments.add(Graph.of(name + ".layers." + j, "x", unit.x));
    }
  }

  /** To the size of {@code skip}: the way down rounds odd sizes up, so a row may be too many. */
  private static Value upsampled(String block, int channels, Value skip) {
    Value x = clip("x", channels, "rows", "columns");
    return Pictures.each(
        x,
        pictures -> {
          Value twice =
              pictures
                  .repeat(1, 1, 2, 2)
                  .slice(2, Dim.of(0), skip.dim(3))
                  .slice(3, Dim.of(0), skip.dim(4));
          return PictureLayers.conv3x3(twice, block + ".upsamplers.0.conv", channels);
        });
  }

  private Graph head() {
    Value x = clip("x", config.widths().get(0), "height", "width");
    var norm = new Op.GroupNorm(config.normGroups(), config.normEps());
    Value u = config.statistics().apply(x, "conv_norm_out", norm).silu();
    Value noise = Pictures.each(u, p -> PictureLayers.conv3x3(p, "conv_out", config.channels()));
    return Graph.of("head", "out_hidden_states", noise.transpose(0, 2, 1, 3, 4));
  }
}
