package io.github.tpdiff.weights.layout;

import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.TensorSource;
import java.util.Locale;
import java.util.Set;

/**
 * The networks whose names this project knows, each published under its authors' names and under
 * those of diffusers (or transformers, for a text encoder).
 *
 * <p>Where two explain a checkpoint equally well, the first is it.
 */
public enum Network {
  WAN_TRANSFORMER("transformer", "diffusion_pytorch_model", ""),
  /** The autoencoder of Wan 2.1 or that of Wan 2.2, which its names tell. */
  WAN_VAE("vae", "Wan2.1_VAE", ""),
  T5_ENCODER("text_encoder_2", "t5_encoder", ""),
  UMT5_ENCODER("text_encoder", "models_t5_umt5-xxl-enc", ""),
  SD_UNET("unet", "model", "model.diffusion_model."),
  SD_VAE("vae", "model", "first_stage_model."),
  CLIP_TEXT_ENCODER("text_encoder", "model", "cond_stage_model.transformer."),
  CLIP_VISION_ENCODER(
      "image_encoder", "models_clip_open-clip-xlm-roberta-large-vit-huge-14", "visual."),
  MOTION_ADAPTER("motion_adapter", "motion_module", ""),
  MINIFLUX_TRANSFORMER("diffusion_transformer", "diffusion_transformer", ""),
  MINIFLUX_VAE("causal_video_vae", "causal_video_vae", ""),
  FLUX_TRANSFORMER("transformer", "flux", "");

  private final String folder;
  private final String originalFile;
  private final String prefix;

  Network(String folder, String originalFile, String prefix) {
    this.folder = folder;
    this.originalFile = originalFile;
    this.prefix = prefix;
  }

  /** Its folder in diffusers' layout. */
  public String folder() {
    return folder;
  }

  /** The name of its file in diffusers' layout, without what follows the first dot. */
  public String diffusersFile() {
    return switch (this) {
      case T5_ENCODER, UMT5_ENCODER, CLIP_TEXT_ENCODER, CLIP_VISION_ENCODER -> "model";
      default -> "diffusion_pytorch_model";
    };
  }

  /**
   * The name of its file in the authors' layout; networks that share it lie in one file.
   *
   * @param names its tensors in either layout, without any prefix
   */
  public String originalFile(Set<String> names) {
    return this == WAN_VAE && WanKeys.isNestedVae(names) ? "Wan2.2_VAE" : originalFile;
  }

  /** What its names start with in an original checkpoint of several networks, or nothing. */
  public String prefix() {
    return prefix;
  }

  /** Whether the prefix is there even where an original checkpoint holds nothing else. */
  boolean keepsPrefix() {
    return this == CLIP_VISION_ENCODER;
  }

  /** The pairs of names of a network as large as the one with these, without any prefix. */
  public KeyMap keys(Set<String> names) {
    return switch (this) {
      case WAN_TRANSFORMER -> WanKeys.TRANSFORMER;
      case WAN_VAE -> WanKeys.vae(names);
      case UMT5_ENCODER -> WanKeys.TEXT_ENCODER;
      case T5_ENCODER -> FluxKeys.T5;
      case SD_UNET -> StableDiffusionKeys.unet(names);
      case SD_VAE -> StableDiffusionKeys.vae(names);
      case CLIP_TEXT_ENCODER -> StableDiffusionKeys.TEXT_ENCODER;
      case CLIP_VISION_ENCODER -> ClipVisionKeys.KEYS;
      case MOTION_ADAPTER -> MotionKeys.MOTION_ADAPTER;
      case MINIFLUX_TRANSFORMER -> FluxKeys.MINIFLUX;
      case MINIFLUX_VAE -> FluxKeys.MINIFLUX_VAE;
      case FLUX_TRANSFORMER -> FluxKeys.FLUX;
    };
  }

  /** The pairs of names of a network of the published size. */
  public KeyMap keys() {
    return keys(Set.of());
  }

  /**
   * This network's tensors under diffusers' names, whatever layout the source has; names that it
   * does not explain stay.
   *
   * @throws CheckpointException when it is not in the source, or what is there is a {@link
   *     Stranger}
   */
  public TensorSource asDiffusers(TensorSource source) {
    if (this == SD_UNET || this == WAN_TRANSFORMER) {
      Stranger.find(source)
          .ifPresent(
              stranger -> {
                throw new CheckpointException(
                    "%s: this is %s, which is not run; expected a %s"
                        .formatted(source.origin(), stranger, label()));
              });
    }
    Contents contents = Contents.of(source.names());
    return contents
        .find(this)
        .or(() -> FoundNetwork.find(this, source.names()))
        .map(found -> found.asDiffusers(source))
        .orElseThrow(
            () ->
                new CheckpointException(
                    "%s: expected the tensors of a %s, found %s"
                        .formatted(source.origin(), label(), contents.describe(source.names()))));
  }

  /**
   * Whether a tensor, by its diffusers name, is of a part that some models of this network do
   * without, such as the attention to the tokens of pictures, which Wan 2.2 has not.
   */
  public boolean isOptional(String tensor) {
    return this == WAN_TRANSFORMER && WanKeys.isOfPictures(tensor);
  }

  /** The name as words. */
  public String label() {
    return name().toLowerCase(Locale.ROOT).replace('_', ' ');
  }
}
