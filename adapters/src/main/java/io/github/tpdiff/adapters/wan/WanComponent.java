package io.github.tpdiff.adapters.wan;

import com.google.common.collect.ImmutableList;
import io.github.tpdiff.adapters.madeup.MadeUpPart;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.layout.Expert;
import io.github.tpdiff.weights.layout.Layout;
import io.github.tpdiff.weights.layout.Network;
import java.util.List;
import java.util.Locale;

/** The networks of Wan 2.1 and 2.2, by their folders in diffusers' layout. */
enum WanComponent {
  /**
   * The video transformer, with the image branch of Wan 2.1's image-to-video models; where there
   * are two, the one for high noise.
   */
  TRANSFORMER(Network.WAN_TRANSFORMER, List.of("WanModel", "WanTransformer3DModel")),
  /** The transformer for low noise, of models with two. */
  TRANSFORMER_2(Network.WAN_TRANSFORMER, List.of("WanModel", "WanTransformer3DModel")),
  /** The causal video autoencoder. */
  VAE(Network.WAN_VAE, List.of("AutoencoderKLWan")),
  /** The UMT5 encoder. */
  TEXT_ENCODER(Network.UMT5_ENCODER, List.of("UMT5EncoderModel")),
  /** CLIP's image encoder, of Wan 2.1's image-to-video models. */
  IMAGE_ENCODER(
      Network.CLIP_VISION_ENCODER, List.of("CLIPVisionModel", "CLIPVisionModelWithProjection"));

  private final Network network;
  private final ImmutableList<String> classes;

  WanComponent(Network network, List<String> classes) {
    this.network = network;
    this.classes = ImmutableList.copyOf(classes);
  }

  Network network() {
    return network;
  }

  /** Whether a configuration for this class is one of this network. */
  boolean isOfClass(String name) {
    return classes.contains(name);
  }

  /** Its folder in diffusers' layout. */
  String folder() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** Its folder in either layout; the authors have such for transformers alone. */
  List<String> folders() {
    return switch (this) {
      case TRANSFORMER -> List.of(folder(), Expert.HIGH_NOISE.folder(Layout.ORIGINAL));
      case TRANSFORMER_2 -> List.of(folder(), Expert.LOW_NOISE.folder(Layout.ORIGINAL));
      default -> List.of(folder());
    };
  }

  /** What a checkpoint holds that holds nothing else: one of two is not told from an only one. */
  WanComponent alone() {
    return this == TRANSFORMER_2 ? TRANSFORMER : this;
  }

  /** The name of its file of weights there, without an ending. */
  String file() {
    return this == TEXT_ENCODER || this == IMAGE_ENCODER ? "model" : MadeUpPart.DIFFUSERS_FILE;
  }

  /** The name as words. */
  String label() {
    return folder().replace('_', ' ');
  }

  /**
   * The tensors under diffusers' names, whatever layout they have; names of neither layout stay.
   *
   * @throws CheckpointException when most of the names belong to something else
   */
  TensorSource asDiffusers(TensorSource source) {
    return network.asDiffusers(source);
  }
}
