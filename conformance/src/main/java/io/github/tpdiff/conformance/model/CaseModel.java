package io.github.tpdiff.conformance.model;

import io.github.tpdiff.adapters.ModelFlows;
import io.github.tpdiff.conformance.golden.CaseException;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.graph.ElementType;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.graph.Value;
import io.github.tpdiff.runtime.model.Component;
import io.github.tpdiff.runtime.model.ComponentDescription;
import io.github.tpdiff.runtime.model.Condition;
import io.github.tpdiff.runtime.model.Flow;
import io.github.tpdiff.runtime.model.ModelDescription;
import io.github.tpdiff.runtime.model.NetworkInputs;
import io.github.tpdiff.runtime.model.PictureUse;
import io.github.tpdiff.runtime.model.Runs;
import io.github.tpdiff.runtime.model.Tokenizers;
import io.github.tpdiff.runtime.model.VideoModel;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Components that a case is about as a model that has nothing else. The case itself stands where
 * encoders would: every input of the network but those of each step is a condition of its own name.
 */
final class CaseModel {
  static final String CASE = "case";

  /** What pictures become beside the noise. */
  static final String CONDITION = "condition";

  private CaseModel() {}

  /** Conditioning and denoiser; their weights are closed with the model. */
  static VideoModel network(Map<String, Component> components) {
    Component denoiser =
        components.values().stream()
            .filter(component -> component.name().indexOf('/') < 0)
            .findFirst()
            .orElseThrow(() -> new CaseException("the checkpoint has no denoiser"));
    Optional<Component> conditioning =
        Optional.ofNullable(components.get(ComponentDescription.conditioning(denoiser.name())));
    Program whole =
        conditioning
            .map(before -> before.program().then(denoiser.program()))
            .orElse(denoiser.program());
    Map<String, String> values = ModelFlows.conditionsByName(whole);
    Map<String, String> before =
        conditioning
            .map(component -> ModelFlows.conditionsByName(component.program()))
            .orElse(Map.of());
    var own = new TreeMap<>(values);
    own.keySet().removeAll(before.keySet());
    var described = new ArrayList<ComponentDescription>();
    described.add(ComponentDescription.of(CASE, Runs.PROMPT, Map.of(), values));
    described.addAll(ModelFlows.network(denoiser.name(), before, own));
    return model(
        components,
        flow(described, denoiser.name(), ModelFlows.conditions(whole, values)),
        latents(denoiser.program()));
  }

  /**
   * Encoder and decoder of an autoencoder, which alone takes all sizes that it has latents of;
   * their weights are closed with the model.
   */
  static VideoModel autoencoder(VaeOpener.Vae vae) {
    var described = new ArrayList<ComponentDescription>();
    vae.components()
        .keySet()
        .forEach(
            name -> described.add(ComponentDescription.of(name, Runs.CHUNK, Map.of(), Map.of())));
    described.add(ComponentDescription.of(CASE, Runs.STEP, Map.of(), Map.of()));
    return model(
        vae.components(),
        flow(described, CASE, List.of()),
        vae.latents().withSizeMultiple(vae.latents().spatialFactor()));
  }

  /** An autoencoder that encodes pictures as clips; its weights are closed with the model. */
  static VideoModel pictures(VaeOpener.Vae vae) {
    var described = new ArrayList<ComponentDescription>();
    for (String name : vae.components().keySet()) {
      boolean encodes = name.equals(ComponentDescription.VAE_ENCODER);
      described.add(
          ComponentDescription.of(
              name,
              Runs.CHUNK,
              encodes ? Map.of("sample", Flow.PICTURE) : Map.of(),
              encodes ? Map.of("latent_mean", CONDITION) : Map.of()));
    }
    described.add(ComponentDescription.of(CASE, Runs.STEP, Map.of(CONDITION, CONDITION), Map.of()));
    var use = PictureUse.of(PictureUse.Given.CLIP, PictureUse.Last.OPTIONAL);
    int channels = vae.latents().channels() + use.maskChannels(vae.latents().temporalFactor());
    var condition =
        new Condition(
            CONDITION,
            ElementType.F32,
            List.of("batch", Integer.toString(channels), "frames", "height", "width"),
            Condition.Follows.FRAMES,
            false);
    return model(
        vae.components(),
        flow(described, CASE, List.of(condition)).withPictures(use),
        vae.latents());
  }

  private static Flow flow(
      List<ComponentDescription> components, String denoiser, List<Condition> conditions) {
    return new Flow(
        components, List.of(Flow.Expert.alone(denoiser)), List.of(), conditions, Map.of());
  }

  private static VideoModel model(
      Map<String, Component> components, Flow flow, ModelDescription.Latents latents) {
    var description =
        new ModelDescription(
            CASE,
            flow,
            latents,
            StageConfig.TargetScale.GLOBAL,
            Map.of(),
            Map.of(),
            new ModelDescription.Defaults(1, 1, 1, 1, 1, 1));
    return VideoModel.of(description, components.values(), Tokenizers.none(), List.of());
  }

  /** As many channels as the network has, which is all that a network alone says of latents. */
  private static ModelDescription.Latents latents(Program denoiser) {
    Value noisy = denoiser.inputs().get(NetworkInputs.LATENTS);
    if (noisy == null) {
      throw new CaseException(
          "%s: expected an input %s, found %s"
              .formatted(denoiser.name(), NetworkInputs.LATENTS, denoiser.inputs().keySet()));
    }
    int channels = Math.toIntExact(noisy.dim(1).value());
    return new ModelDescription.Latents(
        channels,
        1,
        1,
        false,
        1,
        1,
        Collections.nCopies(channels, 0.0),
        Collections.nCopies(channels, 1.0));
  }
}
