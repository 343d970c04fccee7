package io.github.tpdiff.weights.layout;

/**
 * The image encoder of open-clip's ViT-H/14: the names of Wan's authors on the left, without {@code
 * visual.}, and those of transformers on the right.
 *
 * <p>The projection is not among them: the image-to-video models read the states before it, and the
 * authors' file holds it the other way round.
 */
final class ClipVisionKeys {

  static final KeyMap KEYS =
      KeyMap.builder()
          .add(
              network ->
                  network
                      .leading("cls_embedding", "vision_model.embeddings.class_embedding")
                      .pair("patch_embedding", "vision_model.embeddings.patch_embedding")
                      .leading("pos_embedding", "vision_model.embeddings.position_embedding.weight")
                      // The misspelling is transformers' own.
                      .pair("pre_norm", "vision_model.pre_layrnorm")
                      .optional("post_norm", "vision_model.post_layernorm"))
          .block(
              "transformer.{i}",
              "vision_model.encoder.layers.{i}",
              layer ->
                  layer
                      .pair("norm1", "layer_norm1")
                      .pair("norm2", "layer_norm2")
                      .stacked(
                          "attn.to_qkv", "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj")
                      .pair("attn.proj", "self_attn.out_proj")
                      .pair("mlp.0", "mlp.fc1")
                      .pair("mlp.2", "mlp.fc2"))
          .aliasesWithout("vision_model.")
          .build();

  private ClipVisionKeys() {}
}
