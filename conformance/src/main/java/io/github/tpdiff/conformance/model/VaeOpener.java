package io.github.tpdiff.conformance.model;

import io.github.tpdiff.conformance.golden.GoldenCase;
import io.github.tpdiff.runtime.pipeline.Component;
import io.github.tpdiff.runtime.pipeline.PipelineDescription;
import io.github.tpdiff.runtime.pipeline.Role;
import java.util.List;
import java.util.Map;

/** Opens the autoencoder that a case is about, once for each file that holds it. */
public interface VaeOpener {
  List<Vae> open(GoldenCase golden);

  /**
   * An opened autoencoder.
   *
   * @param components encoder and decoder over weights that are closed with them
   * @param firstFrame geometry, and scaling of the first latent frame
   * @param laterFrames geometry, and scaling of the others
   */
  record Vae(
      Map<Role, Component> components,
      PipelineDescription.Latents firstFrame,
      PipelineDescription.Latents laterFrames) {
    /** All frames scaled alike. */
    public static Vae of(Map<Role, Component> components, PipelineDescription.Latents latents) {
      return new Vae(components, latents, latents);
    }

    /** The scaling of a latent frame. */
    PipelineDescription.Latents frame(int index) {
      return index == 0 ? firstFrame : laterFrames;
    }
  }
}
