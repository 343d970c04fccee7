package io.github.tpdiff.lora.data;

import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.video.VideoClip;

/** Makes latents and embeddings; an encoder is loaded only if something is not cached. */
public interface ClipEncoders {
  /** Clips to normalised latents; closing frees the weights. */
  interface LatentEncoder extends AutoCloseable {
    Latents encode(VideoClip clip);

    @Override
    void close();
  }

  /** Captions to embeddings [1, text, d]; closing frees the weights. */
  interface CaptionEncoder extends AutoCloseable {
    Tensor encode(String caption);

    @Override
    void close();
  }

  /** Changes when the VAE, its configuration or the latents' scaling does. */
  String latentsFingerprint();

  /** Changes when the text encoder, its configuration or the tokenizer does. */
  String captionsFingerprint();

  /** How many tokens a caption has, special ones included, before any is cut. */
  int captionTokens(String caption);

  /** How many of them the text encoder reads. */
  int captionLimit();

  LatentEncoder openLatents();

  CaptionEncoder openCaptions();
}
