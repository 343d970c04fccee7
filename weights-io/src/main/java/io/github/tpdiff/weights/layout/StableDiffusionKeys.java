package io.github.tpdiff.weights.layout;

import io.github.tpdiff.weights.layout.KeyMap.Block;
import java.util.List;
import java.util.Set;

/**
 * Stable Diffusion 1.5's names: those of single-file checkpoints on the left, diffusers
 * (transformers) on the right.
 */
final class StableDiffusionKeys {

  static final KeyMap TEXT_ENCODER = textEncoder();

  private StableDiffusionKeys() {}

  /** The UNet, whose original numbers its blocks through: the depth comes from the names. */
  static KeyMap unet(Set<String> names) {
    int layers = NameNumbers.count(names, "down_blocks.0.resnets.{i}").orElse(0);
    if (layers == 0) {
      layers = NameNumbers.first(names, "input_blocks.{i}.0.op").map(at -> at - 1).orElse(2);
    }
    int inputs = NameNumbers.count(names, "input_blocks.{i}").orElse(4 * (layers + 1));
    int levels = NameNumbers.count(names, "down_blocks.{i}").orElse(inputs / (layers + 1));
    KeyMap.Builder keys =
        KeyMap.builder()
            .add(
                network ->
                    network
                        .pair("input_blocks.0.0", "conv_in")
                        .pair("time_embed.0", "time_embedding.linear_1")
                        .pair("time_embed.2", "time_embedding.linear_2")
                        .pair("out.0", "conv_norm_out")
                        .pair("out.2", "conv_out"))
            .block("middle_block.0", "mid_block.resnets.0", StableDiffusionKeys::timedBlock)
            .block("middle_block.1", "mid_block.attentions.0", StableDiffusionKeys::transformer)
            .block("middle_block.2", "mid_block.resnets.1", StableDiffusionKeys::timedBlock);
    for (int level = 0; level < levels; level++) {
      String down = "down_blocks." + level;
      for (int layer = 0; layer < layers; layer++) {
        String at = "input_blocks." + (1 + level * (layers + 1) + layer);
        keys.block(at + ".0", down + ".resnets." + layer, StableDiffusionKeys::timedBlock)
            .block(at + ".1", down + ".attentions." + layer, StableDiffusionKeys::transformer);
      }
      keys.block(
          "input_blocks." + (level + 1) * (layers + 1) + ".0",
          down + ".downsamplers.0",
          block -> block.pair("op", "conv"));
      String up = "up_blocks." + level;
      for (int layer = 0; layer <= layers; layer++) {
        String at = "output_blocks." + (level * (layers + 1) + layer);
        keys.block(at + ".0", up + ".resnets." + layer, StableDiffusionKeys::timedBlock)
            .block(at + ".1", up + ".attentions." + layer, StableDiffusionKeys::transformer);
      }
      String last = "output_blocks." + (level * (layers + 1) + layers);
      boolean attends =
          names.stream()
              .anyMatch(
                  name ->
                      name.startsWith(up + ".attentions.")
                          || name.startsWith(last + ".1.transformer_blocks."));
      // The upsampling follows the attention, where there is one.
      for (String at : attends ? List.of(".2", ".1") : List.of(".1", ".2")) {
        keys.block(last + at, up + ".upsamplers.0", block -> block.same("conv"));
      }
    }
    return keys.build();
  }

  private static void timedBlock(Block block) {
    block
        .pair("in_layers.0", "norm1")
        .pair("in_layers.2", "conv1")
        .pair("emb_layers.1", "time_emb_proj")
        .pair("out_layers.0", "norm2")
        .pair("out_layers.3", "conv2")
        .optional("skip_connection", "conv_shortcut");
  }

  private static void transformer(Block block) {
    block
        .same("norm", "proj_in", "proj_out")
        .block(
            "transformer_blocks.{i}",
            "transformer_blocks.{i}",
            layer ->
                layer
                    .same("norm1", "norm2", "norm3", "ff.net.0.proj", "ff.net.2")
                    .block("attn1", "attn1", StableDiffusionKeys::attention)
                    .block("attn2", "attn2", StableDiffusionKeys::attention));
  }

  static void attention(Block block) {
    block.same("to_q", "to_k", "to_v", "to_out.0");
  }

  /** The image autoencoder, whose original numbers the decoder's levels from the top. */
  static KeyMap vae(Set<String> names) {
    int levels =
        NameNumbers.count(names, "decoder.up_blocks.{i}")
            .or(() -> NameNumbers.count(names, "decoder.up.{i}"))
            .or(() -> NameNumbers.count(names, "encoder.down_blocks.{i}"))
            .or(() -> NameNumbers.count(names, "encoder.down.{i}"))
            .orElse(4);
    KeyMap.Builder keys =
        KeyMap.builder()
            .add(
                network ->
                    network
                        .optional("quant_conv", "quant_conv")
                        .optional("post_quant_conv", "post_quant_conv"));
    for (String half : List.of("encoder", "decoder")) {
      String attention = half + ".mid_block.attentions.0";
      keys.block(
              half,
              half,
              coder ->
                  coder
                      .same("conv_in", "conv_out")
                      .pair("norm_out", "conv_norm_out")
                      .block("mid.block_1", "mid_block.resnets.0", StableDiffusionKeys::block)
                      .block("mid.block_2", "mid_block.resnets.1", StableDiffusionKeys::block))
          .block(
              half + ".mid.attn_1",
              attention,
              block ->
                  block
                      .pair("norm", "group_norm")
                      .pointwise("q", "to_q")
                      .pointwise("k", "to_k")
                      .pointwise("v", "to_v")
                      .pointwise("proj_out", "to_out.0"))
          .alias(attention + ".query", attention + ".to_q")
          .alias(attention + ".key", attention + ".to_k")
          .alias(attention + ".value", attention + ".to_v")
          .alias(attention + ".proj_attn", attention + ".to_out.0");
    }
    for (int level = 0; level < levels; level++) {
      String down = "encoder.down." + level;
      String up = "decoder.up." + (levels - 1 - level);
      String downBlock = "encoder.down_blocks." + level;
      String upBlock = "decoder.up_blocks." + level;
      keys.block(down + ".block.{i}", downBlock + ".resnets.{i}", StableDiffusionKeys::block)
          .block(down, downBlock, at -> at.optional("downsample.conv", "downsamplers.0.conv"))
          .block(up + ".block.{i}", upBlock + ".resnets.{i}", StableDiffusionKeys::block)
          .block(up, upBlock, at -> at.optional("upsample.conv", "upsamplers.0.conv"));
    }
    return keys.build();
  }

  private static void block(Block block) {
    block.same("norm1", "conv1", "norm2", "conv2").optional("nin_shortcut", "conv_shortcut");
  }

  private static KeyMap textEncoder() {
    return KeyMap.builder()
        .add(
            network ->
                network
                    .same(
                        "text_model.embeddings.token_embedding",
                        "text_model.embeddings.position_embedding",
                        "text_model.final_layer_norm")
                    .optional(
                        "text_model.embeddings.position_ids", "text_model.embeddings.position_ids"))
        .block(
            "text_model.encoder.layers.{i}",
            "text_model.encoder.layers.{i}",
            layer ->
                layer.same(
                    "layer_norm1",
                    "layer_norm2",
                    "self_attn.q_proj",
                    "self_attn.k_proj",
                    "self_attn.v_proj",
                    "self_attn.out_proj",
                    "mlp.fc1",
                    "mlp.fc2"))
        .aliasesWithout("text_model.")
        .build();
  }
}
