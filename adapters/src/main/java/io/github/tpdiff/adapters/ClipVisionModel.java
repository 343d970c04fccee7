package io.github.tpdiff.adapters;

import io.github.tpdiff.runtime.graph.Dim;
import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.Op;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.graph.Value;
import java.util.ArrayList;
import java.util.List;

/**
 * CLIP's image encoder (Radford et al. 2021) up to the layer before the last: what video models
 * read of a picture is the state of every patch, before the last layer and the final norm ({@code
 * hidden_states[-2]} of transformers).
 */
public final class ClipVisionModel {
  private static final String ROOT = "vision_model.";
  private static final int CHANNELS = 3;
  static final String PATCHES = ROOT + "embeddings.patch_embedding.weight";
  static final String CLASS = ROOT + "embeddings.class_embedding";
  static final String POSITIONS = ROOT + "embeddings.position_embedding.weight";
  static final String LAYERS = ROOT + "encoder.layers.%s";

  /** The input of {@link #program}. */
  public static final String PIXELS = "pixel_values";

  /** Its output. */
  public static final String EMBEDS = "image_embeds";

  private final ClipVisionConfig config;

  public ClipVisionModel(ClipVisionConfig config) {
    this.config = config;
  }

  /**
   * {@code pixel_values} [batch, pictures, 3, size, size], normalised, to {@code image_embeds}
   * [batch, pictures · (1 + patches), width]: of each picture the class, then its patches row by
   * row; of several pictures one after another.
   *
   * @param pictures of a clip
   */
  public Program program(int pictures) {
    var segments = new ArrayList<Graph>();
    segments.add(Graph.of("embeddings", "x", perPicture(embeddings(pictures), pictures)));
    var layer = new ClipLayer(config.heads(), config.ffnDim(), config.activation(), config.eps());
    for (int i = 0; i < config.usedLayers(); i++) {
      String name = LAYERS.formatted(i);
      Value x = Value.input("x", "batch", pictures, config.rows(), config.width());
      Value y = layer.apply(name, x.reshape(pictures(pictures), config.rows(), config.width()));
      segments.add(
          i < config.usedLayers() - 1
              ? Graph.of(name, "x", perPicture(y, pictures))
              : Graph.of(
                  name,
                  EMBEDS,
                  y.reshape("batch", (long) pictures * config.rows(), config.width())));
    }
    return new Program("image_encoder", segments, List.of(EMBEDS));
  }

  private static Dim pictures(int ofAClip) {
    return Dim.symbol("batch").times(ofAClip);
  }

  private Value perPicture(Value x, int pictures) {
    return x.reshape("batch", pictures, config.rows(), config.width());
  }

  private Value embeddings(int pictures) {
    int size = config.imageSize();
    int patch = config.patchSize();
    Dim all = pictures(pictures);
    var patches = new Op.Conv(List.of(patch, patch), List.of(0, 0), List.of(0, 0));
    Value kernel = Value.weight(PATCHES, config.width(), CHANNELS, patch, patch);
    Value tokens =
        Value.input(PIXELS, "batch", pictures, CHANNELS, size, size)
            .reshape(all, CHANNELS, size, size)
            .conv(patches, kernel)
            .reshape(all, config.width(), config.rows() - 1)
            .transpose(0, 2, 1);
    Value first = Value.weight(CLASS, config.width()).reshape(1, 1, config.width());
    Value x =
        Value.concat(1, first.expand(all, 1, config.width()), tokens)
            .plus(Value.weight(POSITIONS, config.rows(), config.width()));
    return Layers.layerNorm(x, ROOT + "pre_layrnorm", config.eps());
  }
}
