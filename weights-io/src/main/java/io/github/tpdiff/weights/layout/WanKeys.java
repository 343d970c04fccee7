package io.github.tpdiff.weights.layout;

import io.github.tpdiff.weights.layout.KeyMap.Block;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Wan's names: original on the left, diffusers (transformers) on the right. */
final class WanKeys {
  /** Residual blocks in each place of the published decoders; their encoders have one fewer. */
  private static final int DECODER_BLOCKS = 3;

  /** What a transformer has for the tokens of pictures, by diffusers' names. */
  private static final Pattern OF_PICTURES =
      Pattern.compile(
          "blocks\\.\\d+\\.attn2\\.(add_[kv]_proj|norm_added_k)\\..*"
              + "|condition_embedder\\.image_embedder\\..*");

  static final KeyMap TRANSFORMER = transformer();
  private static final KeyMap FLAT_VAE = flatVae();
  static final KeyMap TEXT_ENCODER = textEncoder();

  private WanKeys() {}

  static boolean isOfPictures(String tensor) {
    return OF_PICTURES.matcher(tensor).matches();
  }

  private static KeyMap transformer() {
    return KeyMap.builder()
        .add(
            network ->
                network
                    .same("patch_embedding")
                    .pair("time_embedding.0", "condition_embedder.time_embedder.linear_1")
                    .pair("time_embedding.2", "condition_embedder.time_embedder.linear_2")
                    .pair("time_projection.1", "condition_embedder.time_proj")
                    .pair("text_embedding.0", "condition_embedder.text_embedder.linear_1")
                    .pair("text_embedding.2", "condition_embedder.text_embedder.linear_2")
                    .pair("head.modulation", "scale_shift_table")
                    .pair("head.head", "proj_out"))
        .block(
            "img_emb",
            "condition_embedder.image_embedder",
            image ->
                image
                    .pair("proj.0", "norm1")
                    .pair("proj.1", "ff.net.0.proj")
                    .pair("proj.3", "ff.net.2")
                    .pair("proj.4", "norm2")
                    .optional("emb_pos", "pos_embed"))
        .block(
            "blocks.{i}",
            "blocks.{i}",
            block ->
                block
                    .pair("modulation", "scale_shift_table")
                    // The original counts the norm before cross-attention third, diffusers second.
                    .pair("norm3", "norm2")
                    .pair("ffn.0", "ffn.net.0.proj")
                    .pair("ffn.2", "ffn.net.2")
                    .block("self_attn", "attn1", WanKeys::attention)
                    .block("cross_attn", "attn2", WanKeys::attention)
                    .optional("cross_attn.k_img", "attn2.add_k_proj")
                    .optional("cross_attn.v_img", "attn2.add_v_proj")
                    .optional("cross_attn.norm_k_img", "attn2.norm_added_k"))
        .build();
  }

  private static void attention(Block attention) {
    attention
        .pair("q", "to_q")
        .pair("k", "to_k")
        .pair("v", "to_v")
        .pair("o", "to_out.0")
        .same("norm_q", "norm_k");
  }

  /** The autoencoder: that of Wan 2.2, whose levels are blocks of blocks, or that of Wan 2.1. */
  static KeyMap vae(Set<String> names) {
    return isNestedVae(names) ? nestedVae(decoderBlocks(names)) : FLAT_VAE;
  }

  /** Whether the names are those of Wan 2.2's autoencoder. */
  static boolean isNestedVae(Set<String> names) {
    return Stream.of(
            "encoder.downsamples.0.downsamples.{i}",
            "decoder.upsamples.0.upsamples.{i}",
            "encoder.down_blocks.0.resnets.{i}")
        .anyMatch(start -> NameNumbers.first(names, start).isPresent());
  }

  /** The authors number a resampling as the block behind the last of its place. */
  private static int decoderBlocks(Set<String> names) {
    return NameNumbers.count(names, "decoder.up_blocks.0.resnets.{i}")
        .or(() -> NameNumbers.first(names, "decoder.upsamples.0.upsamples.{i}.resample"))
        .orElse(DECODER_BLOCKS);
  }

  private static KeyMap nestedVae(int decoderBlocks) {
    KeyMap.Builder keys = vaeEnds();
    keys.block(
            "encoder.downsamples.{i}.downsamples.{i}",
            "encoder.down_blocks.{i}.resnets.{i}",
            WanKeys::residualBlock)
        .block(
            "encoder.downsamples.{i}.downsamples." + (decoderBlocks - 1),
            "encoder.down_blocks.{i}.downsampler",
            WanKeys::resampling)
        .block(
            "decoder.upsamples.{i}.upsamples.{i}",
            "decoder.up_blocks.{i}.resnets.{i}",
            WanKeys::residualBlock)
        .block(
            "decoder.upsamples.{i}.upsamples." + decoderBlocks,
            "decoder.up_blocks.{i}.upsampler",
            WanKeys::resampling);
    return keys.build();
  }

  /** What lies before, between and behind the levels of either autoencoder. */
  private static KeyMap.Builder vaeEnds() {
    KeyMap.Builder keys =
        KeyMap.builder()
            .add(network -> network.pair("conv1", "quant_conv").pair("conv2", "post_quant_conv"));
    for (String half : List.of("encoder", "decoder")) {
      keys.block(
          half,
          half,
          coder ->
              coder
                  .pair("conv1", "conv_in")
                  .pair("head.0", "norm_out")
                  .pair("head.2", "conv_out")
                  .block("middle.0", "mid_block.resnets.0", WanKeys::residualBlock)
                  .block("middle.2", "mid_block.resnets.1", WanKeys::residualBlock)
                  .block(
                      "middle.1",
                      "mid_block.attentions.0",
                      attention -> attention.same("norm", "to_qkv", "proj")));
    }
    return keys;
  }

  private static KeyMap flatVae() {
    KeyMap.Builder keys = vaeEnds();
    // A place holds a residual block or a resampling; that both are allowed here costs nothing.
    keys.block(
        "encoder.downsamples.{i}",
        "encoder.down_blocks.{i}",
        place -> place.optional("resample.1", "resample.1").optional("time_conv", "time_conv"));
    keys.block(
        "encoder.downsamples.{i}", "encoder.down_blocks.{i}", WanKeys::optionalResidualBlock);
    for (int block = 0; block < 4; block++) {
      String to = "decoder.up_blocks." + block;
      int first = (DECODER_BLOCKS + 1) * block;
      for (int layer = 0; layer < DECODER_BLOCKS; layer++) {
        keys.block(
            "decoder.upsamples." + (first + layer),
            to + ".resnets." + layer,
            WanKeys::residualBlock);
      }
      keys.block(
          "decoder.upsamples." + (first + DECODER_BLOCKS),
          to + ".upsamplers.0",
          WanKeys::resampling);
    }
    return keys.build();
  }

  private static void resampling(Block place) {
    place.same("resample.1").optional("time_conv", "time_conv");
  }

  private static void residualBlock(Block block) {
    block
        .pair("residual.0", "norm1")
        .pair("residual.2", "conv1")
        .pair("residual.3", "norm2")
        .pair("residual.6", "conv2")
        .optional("shortcut", "conv_shortcut");
  }

  private static void optionalResidualBlock(Block block) {
    block
        .optional("residual.0", "norm1")
        .optional("residual.2", "conv1")
        .optional("residual.3", "norm2")
        .optional("residual.6", "conv2")
        .optional("shortcut", "conv_shortcut");
  }

  private static KeyMap textEncoder() {
    return KeyMap.builder()
        .add(
            network ->
                network.pair("token_embedding", "shared").pair("norm", "encoder.final_layer_norm"))
        .block(
            "blocks.{i}",
            "encoder.block.{i}.layer",
            block ->
                block
                    .pair("norm1", "0.layer_norm")
                    .pair("norm2", "1.layer_norm")
                    .pair("pos_embedding.embedding", "0.SelfAttention.relative_attention_bias")
                    .pair("ffn.gate.0", "1.DenseReluDense.wi_0")
                    .pair("ffn.fc1", "1.DenseReluDense.wi_1")
                    .pair("ffn.fc2", "1.DenseReluDense.wo")
                    .pair("attn.q", "0.SelfAttention.q")
                    .pair("attn.k", "0.SelfAttention.k")
                    .pair("attn.v", "0.SelfAttention.v")
                    .pair("attn.o", "0.SelfAttention.o"))
        .alias("encoder.embed_tokens", "shared")
        .build();
  }
}
