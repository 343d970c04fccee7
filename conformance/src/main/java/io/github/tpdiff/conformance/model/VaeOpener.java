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

  /** Encoder and decoder over weights that are closed with them, and the scaling of latents. */
  record Vae(Map<Role, Component> components, PipelineDescription.Latents latents) {}
}
