package io.github.tpdiff.lora;

import io.github.tpdiff.runtime.model.Component;
import io.github.tpdiff.runtime.model.RecordJson;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.runtime.pipeline.ReadLoras;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.NearestName;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.lora.LoraFit;
import io.github.tpdiff.weights.lora.LoraWeights;
import io.github.tpdiff.weights.lora.TensorChange;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;

/** Models with what was trained on them. */
public final class LoraModels {
  private LoraModels() {}

  /**
   * The model with the LoRA's products beside its layers, whose weights are neither copied nor
   * converted; what else it changes is added when it is read, in fp32. Closing the result closes
   * {@code model}.
   *
   * @param strength a factor on the whole LoRA; 1 as trained
   * @throws IllegalArgumentException if a layer of the LoRA is not in the model
   * @throws io.github.tpdiff.weights.CheckpointException if a tensor has another shape there, or a
   *     change is larger than fp32 holds
   */
  public static VideoModel applied(VideoModel model, LoraWeights lora, double strength) {
    String denoiser = denoiser(model, lora);
    Map<String, TensorChange> others = changes(model, lora, strength);
    // A layer is in one of the programs, but all have the weights of all.
    components(model, denoiser).stream()
        .flatMap(part -> LoraInjection.of(part.program(), lora, strength).modules().stream())
        .map(module -> module.name() + Layer.WEIGHT)
        .forEach(
            name ->
                Optional.ofNullable(others.remove(name))
                    .flatMap(TensorChange::withoutLayer)
                    .ifPresent(rest -> others.put(name, rest)));
    return changed(
        model,
        denoiser,
        component -> {
          var injection = LoraInjection.of(component.program(), lora, strength);
          var weights =
              new MergedTensors(component.weights(), others, strength, dtype -> DType.F32);
          var values = Parameter.source(injection.parametersOf(lora), trainedFor(lora.metadata()));
          return new Component(component.name(), injection.program(), weights.overlaid(values));
        });
  }

  /**
   * The model with the LoRA added into the tensors it touches, in their own types, each computed
   * when it is read; the programs stay as they are. Closing the result closes {@code model}.
   *
   * @param strength a factor on the whole LoRA; 1 as trained
   * @throws IllegalArgumentException if a layer of the LoRA is not in the model
   * @throws io.github.tpdiff.weights.CheckpointException if a tensor has another shape there, or a
   *     change is larger than fp32 holds
   */
  public static VideoModel merged(VideoModel model, LoraWeights lora, double strength) {
    return merged(model, lora, strength, UnaryOperator.identity());
  }

  /**
   * The same in other types.
   *
   * @param types of a changed tensor, from its own: what is narrow rounds a small change away
   */
  public static VideoModel merged(
      VideoModel model, LoraWeights lora, double strength, UnaryOperator<DType> types) {
    String denoiser = denoiser(model, lora);
    Map<String, TensorChange> changes = changes(model, lora, strength);
    return changed(
        model,
        denoiser,
        component ->
            component.withWeights(
                new MergedTensors(component.weights(), changes, strength, types)
                    .overlaid(Parameter.source(Map.of(), trainedFor(lora.metadata())))));
  }

  /**
   * What the LoRA changes and the model has no use for: biases that its layers do not have, and
   * parts that other models of its network have (diffusers leaves them out too).
   */
  public static List<String> leftOut(VideoModel model, LoraWeights lora) {
    return fit(model, denoiser(model, lora)).leftOut(lora);
  }

  /**
   * The model with tensors trained in full in place of its own. Closing the result closes {@code
   * model} and {@code trained}.
   *
   * @throws IllegalArgumentException if a tensor is not in the model or has another shape there
   */
  public static VideoModel replaced(VideoModel model, TensorSource trained) {
    String denoiser = denoiser(model, trained.metadata());
    Map<String, TensorInfo> known = tensors(model, denoiser);
    for (String name : trained.names()) {
      TensorInfo own = known.get(name);
      if (own == null || !trained.require(name).shape().equals(own.shape())) {
        throw new IllegalArgumentException(
            "%s: tensor '%s' %s: expected a tensor of the model%s"
                .formatted(
                    trained.origin(),
                    name,
                    trained.require(name).shape(),
                    own != null
                        ? ", which has " + own.shape()
                        : NearestName.of(name, known.keySet())
                            .map(near -> ", the nearest is '" + near + "'")
                            .orElse("")));
      }
    }
    return changed(
            model,
            denoiser,
            component -> component.withWeights(component.weights().overlaid(trained)))
        .closing(trained);
  }

  /**
   * The entry of a header that says for what stages weights were trained; what is made of them
   * takes it over, in memory and in files.
   */
  public static Map<String, String> trainedFor(Map<String, String> header) {
    String plan = header.get(RecordJson.STAGES_HEADER);
    return plan == null ? Map.of() : Map.of(RecordJson.STAGES_HEADER, plan);
  }

  /** The changes of tensors that the model has, checked. */
  private static Map<String, TensorChange> changes(
      VideoModel model, LoraWeights lora, double strength) {
    Map<String, TensorChange> changes = fit(model, denoiser(model, lora)).require("LoRA", lora);
    changes.forEach((name, change) -> change.requireFinite(name, strength));
    return changes;
  }

  /** What fits a denoiser of a model. */
  static LoraFit fit(VideoModel model, String denoiser) {
    return new LoraFit(tensors(model, denoiser));
  }

  /** The tensors that what changes reads. */
  private static Map<String, TensorInfo> tensors(VideoModel model, String denoiser) {
    var tensors = new LinkedHashMap<String, TensorInfo>();
    components(model, denoiser)
        .forEach(
            component ->
                component
                    .program()
                    .weights()
                    .keySet()
                    .forEach(name -> tensors.put(name, component.weights().require(name))));
    return tensors;
  }

  private static List<Component> components(VideoModel model, String denoiser) {
    return model.description().flow().network(denoiser).stream()
        .flatMap(name -> model.find(name).stream())
        .toList();
  }

  /** Changes a denoiser and its conditioning, which has cross-attention's keys and values. */
  private static VideoModel changed(
      VideoModel model, String denoiser, UnaryOperator<Component> change) {
    return model.mapComponents(model.description().flow().network(denoiser), change);
  }

  /** The denoiser of a model that a LoRA is for. */
  static String denoiser(VideoModel model, LoraWeights lora) {
    return denoiser(model, lora.metadata());
  }

  private static String denoiser(VideoModel model, Map<String, String> header) {
    return ReadLoras.denoiser(model.description().flow(), header);
  }
}
