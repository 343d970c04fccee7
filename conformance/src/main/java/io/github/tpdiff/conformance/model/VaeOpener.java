package io.github.tpdiff.conformance.model;

import io.github.tpdiff.conformance.golden.GoldenCase;
import io.github.tpdiff.runtime.model.Component;
import io.github.tpdiff.runtime.model.ModelDescription;
import java.util.List;
import java.util.Map;

/** Opens the autoencoder that a case is about, once for each file that holds it. */
public interface VaeOpener {
  List<Vae> open(GoldenCase golden);

  /**
   * An opened autoencoder.
   *
   * @param components encoder and decoder by name, over weights that are closed with them
   * @param latents geometry and scaling
   */
  record Vae(Map<String, Component> components, ModelDescription.Latents latents) {}
}
