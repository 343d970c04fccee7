package io.github.tpdiff.weights.layout;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Wan 2.1's names: original on the left, diffusers (transformers) on the right. */
final class WanKeys {

  static final KeyMap TRANSFORMER = transformer();
  static final KeyMap VAE = vae();
  static final KeyMap TEXT_ENCODER = textEncoder();

  private WanKeys() {}

  private static KeyMap transformer() {
    KeyMap.Builder keys =
        KeyMap.builder()
            .same("patch_embedding")
            .pair("time_embedding.0", "condition_embedder.time_embedder.linear_1")
            .pair("time_embedding.2", "condition_embedder.time_embedder.linear_2")
            .pair("time_projection.1", "condition_embedder.time_proj")
            .pair("text_embedding.0", "condition_embedder.text_embedder.linear_1")
            .pair("text_embedding.2", "condition_embedder.text_embedder.linear_2")
            .pair("img_emb.proj.0", "condition_embedder.image_embedder.norm1")
            .pair("img_emb.proj.1", "condition_embedder.image_embedder.ff.net.0.proj")
            .pair("img_emb.proj.3", "condition_embedder.image_embedder.ff.net.2")
            .pair("img_emb.proj.4", "condition_embedder.image_embedder.norm2")
            .pair("img_emb.emb_pos", "condition_embedder.image_embedder.pos_embed")
            .pair("head.modulation", "scale_shift_table")
            .pair("head.head", "proj_out")
            .pair("blocks.{i}.modulation", "blocks.{i}.scale_shift_table")
            // The original counts the norm before cross-attention third, diffusers second.
            .pair("blocks.{i}.norm3", "blocks.{i}.norm2")
            .pair("blocks.{i}.ffn.0", "blocks.{i}.ffn.net.0.proj")
            .pair("blocks.{i}.ffn.2", "blocks.{i}.ffn.net.2");
    Map<String, String> attentions = Map.of("self_attn", "attn1", "cross_attn", "attn2");
    new TreeMap<>(attentions)
        .forEach(
            (original, diffusers) -> {
              String from = "blocks.{i}." + original + ".";
              String to = "blocks.{i}." + diffusers + ".";
              keys.pair(from + "q", to + "to_q")
                  .pair(from + "k", to + "to_k")
                  .pair(from + "v", to + "to_v")
                  .pair(from + "o", to + "to_out.0")
                  .pair(from + "norm_q", to + "norm_q")
                  .pair(from + "norm_k", to + "norm_k");
            });
    return keys.pair("blocks.{i}.cross_attn.k_img", "blocks.{i}.attn2.add_k_proj")
        .pair("blocks.{i}.cross_attn.v_img", "blocks.{i}.attn2.add_v_proj")
        .pair("blocks.{i}.cross_attn.norm_k_img", "blocks.{i}.attn2.norm_added_k")
        .build();
  }

  private static KeyMap vae() {
    KeyMap.Builder keys =
        KeyMap.builder().pair("conv1", "quant_conv").pair("conv2", "post_quant_conv");
    for (String half : List.of("encoder", "decoder")) {
      keys.pair(half + ".conv1", half + ".conv_in")
          .pair(half + ".head.0", half + ".norm_out")
          .pair(half + ".head.2", half + ".conv_out");
      residualBlock(keys, half + ".middle.0", half + ".mid_block.resnets.0");
      residualBlock(keys, half + ".middle.2", half + ".mid_block.resnets.1");
      for (String part : List.of("norm", "to_qkv", "proj")) {
        keys.pair(half + ".middle.1." + part, half + ".mid_block.attentions.0." + part);
      }
    }
    residualBlock(keys, "encoder.downsamples.{i}", "encoder.down_blocks.{i}");
    resampling(keys, "encoder.downsamples.{i}", "encoder.down_blocks.{i}");
    for (int block = 0; block < 4; block++) {
      String to = "decoder.up_blocks." + block;
      for (int layer = 0; layer < 3; layer++) {
        residualBlock(keys, "decoder.upsamples." + (4 * block + layer), to + ".resnets." + layer);
      }
      resampling(keys, "decoder.upsamples." + (4 * block + 3), to + ".upsamplers.0");
    }
    return keys.build();
  }

  private static void residualBlock(KeyMap.Builder keys, String original, String diffusers) {
    keys.pair(original + ".residual.0", diffusers + ".norm1")
        .pair(original + ".residual.2", diffusers + ".conv1")
        .pair(original + ".residual.3", diffusers + ".norm2")
        .pair(original + ".residual.6", diffusers + ".conv2")
        .pair(original + ".shortcut", diffusers + ".conv_shortcut");
  }

  private static void resampling(KeyMap.Builder keys, String original, String diffusers) {
    keys.pair(original + ".resample.1", diffusers + ".resample.1")
        .pair(original + ".time_conv", diffusers + ".time_conv");
  }

  private static KeyMap textEncoder() {
    String block = "encoder.block.{i}.layer.";
    KeyMap.Builder keys =
        KeyMap.builder()
            .pair("token_embedding", "shared")
            .pair("norm", "encoder.final_layer_norm")
            .pair("blocks.{i}.norm1", block + "0.layer_norm")
            .pair("blocks.{i}.norm2", block + "1.layer_norm")
            .pair(
                "blocks.{i}.pos_embedding.embedding",
                block + "0.SelfAttention.relative_attention_bias")
            .pair("blocks.{i}.ffn.gate.0", block + "1.DenseReluDense.wi_0")
            .pair("blocks.{i}.ffn.fc1", block + "1.DenseReluDense.wi_1")
            .pair("blocks.{i}.ffn.fc2", block + "1.DenseReluDense.wo");
    for (String part : List.of("q", "k", "v", "o")) {
      keys.pair("blocks.{i}.attn." + part, block + "0.SelfAttention." + part);
    }
    return keys.build();
  }
}
