package io.github.tpdiff.adapters.wan;

import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.layout.Network;

/** The networks of Wan 2.1. */
enum WanComponent {
  /** The video transformer, with the image branch of the image-to-video models. */
  TRANSFORMER(Network.WAN_TRANSFORMER),
  /** The causal video autoencoder. */
  VAE(Network.WAN_VAE),
  /** The UMT5 encoder. */
  TEXT_ENCODER(Network.UMT5_ENCODER);

  private final Network network;

  WanComponent(Network network) {
    this.network = network;
  }

  Network network() {
    return network;
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
