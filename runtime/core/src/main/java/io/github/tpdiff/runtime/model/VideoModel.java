package io.github.tpdiff.runtime.model;

import io.github.tpdiff.runtime.diffusion.StageChoice;
import io.github.tpdiff.runtime.diffusion.StageChoice.Decided;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.TensorSource;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;

/**
 * An opened checkpoint: programs over mapped weights, ready for any engine.
 *
 * @param description of its kind and of this checkpoint
 * @param components those whose files are present, by name
 * @param tokenizers those whose files are present
 * @param loraTargets module name suffixes that a LoRA targets unless told otherwise, e.g. {@code
 *     to_q}
 * @param resources what is closed with the model besides its tokenizers
 */
public record VideoModel(
    ModelDescription description,
    Map<String, Component> components,
    Tokenizers tokenizers,
    List<String> loraTargets,
    List<TensorSource> resources)
    implements AutoCloseable {

  public VideoModel {
    components = Collections.unmodifiableMap(new LinkedHashMap<>(components));
    loraTargets = List.copyOf(loraTargets);
    resources = List.copyOf(resources);
  }

  /** A model that closes the weights of its components. */
  public static VideoModel of(
      ModelDescription description,
      Collection<Component> components,
      Tokenizers tokenizers,
      List<String> loraTargets) {
    var byName = new LinkedHashMap<String, Component>();
    components.forEach(component -> byName.put(component.name(), component));
    return new VideoModel(
        description,
        byName,
        tokenizers,
        loraTargets,
        components.stream().map(Component::weights).distinct().toList());
  }

  /** A component, if its files are present. */
  public Optional<Component> find(String name) {
    return Optional.ofNullable(components.get(name));
  }

  /**
   * A component that somebody needs.
   *
   * @throws CheckpointException if its files are absent
   */
  public Component require(String name) {
    return find(name)
        .orElseThrow(
            () ->
                new CheckpointException(
                    "%s: the %s checkpoint has no such component, only %s"
                        .formatted(name, description.family(), components.keySet())));
  }

  /**
   * The stages that the weights were trained for: the {@link RecordJson#STAGES_HEADER} of the file
   * that a denoiser was read from. What is put on a model is asked before the model: a LoRA before
   * tensors trained in full, those before the checkpoint.
   *
   * @throws CheckpointException if the header cannot be read
   */
  public Optional<StageConfig> trainedStages() {
    return description.flow().denoisers().stream()
        .flatMap(expert -> find(expert.component()).stream())
        .map(Component::weights)
        .flatMap(weights -> stages(weights).stream())
        .findFirst();
  }

  private static Optional<StageConfig> stages(TensorSource weights) {
    return Optional.ofNullable(weights.metadata().get(RecordJson.STAGES_HEADER))
        .map(
            json ->
                RecordJson.STAGES.parse(json, weights.origin() + ": " + RecordJson.STAGES_HEADER));
  }

  /**
   * What a choice of stages comes to with this model.
   *
   * @throws IllegalArgumentException if the weights were trained for another number of stages
   */
  public Decided stages(StageChoice choice) {
    return choice.decide(trainedStages(), description.vanillaStages());
  }

  /** This model with some components changed; closing the result closes this model. */
  public VideoModel mapComponents(Collection<String> names, UnaryOperator<Component> change) {
    var changed = new LinkedHashMap<>(components);
    names.forEach(name -> changed.computeIfPresent(name, (same, own) -> change.apply(own)));
    return new VideoModel(description, changed, tokenizers, loraTargets, resources);
  }

  /** This model described otherwise; closing the result closes this model. */
  public VideoModel withDescription(ModelDescription other) {
    return new VideoModel(other, components, tokenizers, loraTargets, resources);
  }

  /** This model without those of its components; closing the result closes this model. */
  public VideoModel without(Collection<String> names) {
    var kept = new LinkedHashMap<>(components);
    kept.keySet().removeAll(names);
    return new VideoModel(description, kept, tokenizers, loraTargets, resources);
  }

  /** This model that also closes {@code more}. */
  public VideoModel closing(TensorSource more) {
    var all = new ArrayList<>(resources);
    all.add(more);
    return new VideoModel(description, components, tokenizers, loraTargets, all);
  }

  @Override
  public void close() {
    resources.forEach(TensorSource::close);
    tokenizers.close();
  }
}
