package io.github.tpdiff.weights.layout;

import io.github.tpdiff.weights.layout.KeyMap.Block;
import java.util.List;

/** AnimateDiff's motion modules: original on the left, diffusers on the right. */
final class MotionKeys {

  static final KeyMap MOTION_ADAPTER = motionAdapter();

  private MotionKeys() {}

  private static KeyMap motionAdapter() {
    KeyMap.Builder keys = KeyMap.builder();
    for (String place : List.of("down_blocks.{i}", "mid_block", "up_blocks.{i}")) {
      String module = place + ".motion_modules.{i}";
      keys.block(module + ".temporal_transformer", module, MotionKeys::temporalTransformer);
    }
    return keys.build();
  }

  private static void temporalTransformer(Block module) {
    module
        .same("norm", "proj_in", "proj_out")
        .block(
            "transformer_blocks.{i}",
            "transformer_blocks.{i}",
            block ->
                block
                    .pair("norms.0", "norm1")
                    .pair("norms.1", "norm2")
                    .pair("ff_norm", "norm3")
                    .same("ff.net.0.proj", "ff.net.2")
                    .block("attention_blocks.0", "attn1", StableDiffusionKeys::attention)
                    .block("attention_blocks.1", "attn2", StableDiffusionKeys::attention)
                    // Each attention of the original has its own table; they are all the same.
                    .repeated(
                        List.of("attention_blocks.0.pos_encoder", "attention_blocks.1.pos_encoder"),
                        "pos_embed"));
  }
}
