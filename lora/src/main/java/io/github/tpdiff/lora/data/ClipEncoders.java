package io.github.tpdiff.lora.data;

import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.model.Flow;
import io.github.tpdiff.runtime.model.PromptTokens;
import io.github.tpdiff.runtime.video.VideoClip;
import java.util.List;
import java.util.Map;

/** Makes latents and embeddings; an encoder is loaded only if something is not cached. */
public interface ClipEncoders {
  /**
   * A clip as the network sees it.
   *
   * @param latents normalised, [1, C, F, H, W]
   * @param conditions the values that pictures decide, for models that take some
   */
  record EncodedClip(Latents latents, Map<String, Tensor> conditions) {}

  /** Clips to latents; closing frees the weights. */
  interface LatentEncoder extends AutoCloseable {
    /** Normalised latents, [1, C, F, H, W]. */
    Latents encode(VideoClip clip);

    /**
     * The values that pictures decide, for models that are told of some; empty where they are told
     * of none.
     *
     * @param latents of the clip
     */
    default Map<String, Tensor> pictures(ClipPictures pictures, LatentShape latents) {
      return Map.of();
    }

    /** Those of them that stages have of their own, of a clip that is a stage's smaller video. */
    default Map<String, Tensor> picturesOfStage(ClipPictures pictures, LatentShape latents) {
      return Map.of();
    }

    @Override
    void close();
  }

  /**
   * Captions to the conditions that they decide, each with a batch axis of one; closing frees the
   * weights.
   */
  interface CaptionEncoder extends AutoCloseable {
    Map<String, Tensor> encode(String caption);

    @Override
    void close();
  }

  /** How what is encoded flows to the network. */
  Flow flow();

  /** Whether the network is told of pictures. */
  default boolean isToldOfPictures() {
    return !flow().conditions(true).isEmpty();
  }

  /** Changes when the VAE, its configuration or the latents' scaling does. */
  String latentsFingerprint();

  /** Changes when the text encoder, its configuration or the tokenizer does. */
  String captionsFingerprint();

  /** How captions become the tokens of each text of the model. */
  List<PromptTokens> captionTokens();

  LatentEncoder openLatents();

  CaptionEncoder openCaptions();
}
