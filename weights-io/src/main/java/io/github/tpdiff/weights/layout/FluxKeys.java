package io.github.tpdiff.weights.layout;

import io.github.tpdiff.weights.layout.KeyMap.Block;
import java.util.List;

/** Names of Flux's architecture: its authors' on the left, diffusers on the right. */
final class FluxKeys {

  static final KeyMap FLUX = flux();
  static final KeyMap MINIFLUX = miniflux();
  static final KeyMap MINIFLUX_VAE = minifluxVae();
  static final KeyMap T5 = t5();

  private FluxKeys() {}

  private static KeyMap flux() {
    return KeyMap.builder()
        .add(
            network ->
                network
                    .pair("img_in", "x_embedder")
                    .pair("txt_in", "context_embedder")
                    .pair("final_layer.linear", "proj_out")
                    .swapped("final_layer.adaLN_modulation.1", "norm_out.linear"))
        .block("time_in", "time_text_embed.timestep_embedder", FluxKeys::embedder)
        .block("vector_in", "time_text_embed.text_embedder", FluxKeys::embedder)
        .block("guidance_in", "time_text_embed.guidance_embedder", FluxKeys::embedder)
        .block("double_blocks.{i}", "transformer_blocks.{i}", FluxKeys::doubleBlock)
        .block(
            "single_blocks.{i}",
            "single_transformer_blocks.{i}",
            block ->
                block
                    .pair("modulation.lin", "norm.linear")
                    .stacked("linear1", "attn.to_q", "attn.to_k", "attn.to_v", "proj_mlp*4")
                    .pair("linear2", "proj_out")
                    .pair("norm.query_norm.scale", "attn.norm_q.weight")
                    .pair("norm.key_norm.scale", "attn.norm_k.weight"))
        .build();
  }

  private static void embedder(Block block) {
    block.pair("in_layer", "linear_1").pair("out_layer", "linear_2");
  }

  private static void doubleBlock(Block block) {
    block
        .pair("img_mod.lin", "norm1.linear")
        .pair("txt_mod.lin", "norm1_context.linear")
        .stacked("img_attn.qkv", "attn.to_q", "attn.to_k", "attn.to_v")
        .stacked("txt_attn.qkv", "attn.add_q_proj", "attn.add_k_proj", "attn.add_v_proj")
        .pair("img_attn.norm.query_norm.scale", "attn.norm_q.weight")
        .pair("img_attn.norm.key_norm.scale", "attn.norm_k.weight")
        .pair("txt_attn.norm.query_norm.scale", "attn.norm_added_q.weight")
        .pair("txt_attn.norm.key_norm.scale", "attn.norm_added_k.weight")
        .pair("img_attn.proj", "attn.to_out.0")
        .pair("txt_attn.proj", "attn.to_add_out")
        .pair("img_mlp.0", "ff.net.0.proj")
        .pair("img_mlp.2", "ff.net.2")
        .pair("txt_mlp.0", "ff_context.net.0.proj")
        .pair("txt_mlp.2", "ff_context.net.2");
  }

  /** miniFLUX is published under diffusers' names alone, without guidance. */
  private static KeyMap miniflux() {
    return KeyMap.builder()
        .add(
            network ->
                network.same(
                    "x_embedder",
                    "context_embedder",
                    "time_text_embed.timestep_embedder.linear_1",
                    "time_text_embed.timestep_embedder.linear_2",
                    "time_text_embed.text_embedder.linear_1",
                    "time_text_embed.text_embedder.linear_2",
                    "norm_out.linear",
                    "proj_out"))
        .block(
            "transformer_blocks.{i}",
            "transformer_blocks.{i}",
            block ->
                block
                    .same("norm1.linear", "norm1_context.linear", "attn.to_q", "attn.to_k")
                    .same("attn.to_v", "attn.add_q_proj", "attn.add_k_proj", "attn.add_v_proj")
                    .same("attn.norm_q", "attn.norm_k", "attn.norm_added_q", "attn.norm_added_k")
                    .same("attn.to_out.0", "attn.to_add_out", "ff.net.0.proj", "ff.net.2")
                    .same("ff_context.net.0.proj", "ff_context.net.2"))
        .block(
            "single_transformer_blocks.{i}",
            "single_transformer_blocks.{i}",
            block ->
                block
                    .same("norm.linear", "attn.to_q", "attn.to_k", "attn.to_v", "attn.norm_q")
                    .same("attn.norm_k", "proj_mlp", "proj_out"))
        .build();
  }

  /** miniFLUX's causal video autoencoder, published under one set of names. */
  private static KeyMap minifluxVae() {
    KeyMap.Builder keys =
        KeyMap.builder().add(network -> network.same("quant_conv.conv", "post_quant_conv.conv"));
    for (String half : List.of("encoder", "decoder")) {
      keys.block(half, half, coder -> coder.same("conv_in.conv", "conv_norm_out", "conv_out.conv"))
          .block(
              half + ".mid_block.resnets.{i}",
              half + ".mid_block.resnets.{i}",
              FluxKeys::causalBlock)
          .block(
              half + ".mid_block.attentions.{i}",
              half + ".mid_block.attentions.{i}",
              block -> block.same("group_norm", "to_q", "to_k", "to_v", "to_out.0"));
    }
    for (String level : List.of("encoder.down_blocks.{i}", "decoder.up_blocks.{i}")) {
      keys.block(level + ".resnets.{i}", level + ".resnets.{i}", FluxKeys::causalBlock);
      for (String resampling :
          List.of(
              "downsamplers.0.conv.conv",
              "temporal_downsamplers.0.conv.conv",
              "upsamplers.0.conv.conv",
              "temporal_upsamplers.0.conv.conv")) {
        keys.block(level, level, block -> block.optional(resampling, resampling));
      }
    }
    return keys.build();
  }

  private static void causalBlock(Block block) {
    block
        .same("norm1", "conv1.conv", "norm2", "conv2.conv")
        .optional("conv_shortcut.conv", "conv_shortcut.conv");
  }

  /** T5's encoder, whose first block alone holds the position bias. */
  private static KeyMap t5() {
    return KeyMap.builder()
        .add(
            network ->
                network.same(
                    "shared",
                    "encoder.final_layer_norm",
                    "encoder.block.0.layer.0.SelfAttention.relative_attention_bias"))
        .block(
            "encoder.block.{i}.layer",
            "encoder.block.{i}.layer",
            block ->
                block
                    .same("0.layer_norm", "0.SelfAttention.q", "0.SelfAttention.k")
                    .same("0.SelfAttention.v", "0.SelfAttention.o", "1.layer_norm")
                    .same("1.DenseReluDense.wi_0", "1.DenseReluDense.wi_1")
                    .same("1.DenseReluDense.wo"))
        .alias("encoder.embed_tokens", "shared")
        .build();
  }
}
