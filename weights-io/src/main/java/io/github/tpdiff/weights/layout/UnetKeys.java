package io.github.tpdiff.weights.layout;

import java.util.List;

/** Names of the layers of Stable Diffusion 1.5's UNet that LoRA files address. */
public final class UnetKeys {

  /** The spatial transformers' linear layers; both layouts name them alike. */
  public static final KeyMap SPATIAL_LAYERS = spatialLayers();

  private UnetKeys() {}

  private static KeyMap spatialLayers() {
    KeyMap.Builder keys = KeyMap.builder();
    for (String place :
        List.of(
            "down_blocks.{i}.attentions.{i}",
            "mid_block.attentions.{i}",
            "up_blocks.{i}.attentions.{i}")) {
      keys.same(place + ".proj_in").same(place + ".proj_out");
      String block = place + ".transformer_blocks.{i}";
      for (String attention : List.of(".attn1", ".attn2")) {
        for (String layer : List.of(".to_q", ".to_k", ".to_v", ".to_out.0")) {
          keys.same(block + attention + layer);
        }
      }
      keys.same(block + ".ff.net.0.proj").same(block + ".ff.net.2");
    }
    return keys.build();
  }
}
