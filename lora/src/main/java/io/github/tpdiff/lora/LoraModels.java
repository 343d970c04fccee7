package io.github.tpdiff.lora;

import io.github.tpdiff.runtime.pipeline.Component;
import io.github.tpdiff.runtime.pipeline.RecordJson;
import io.github.tpdiff.runtime.pipeline.Role;
import io.github.tpdiff.runtime.pipeline.VideoModel;
import io.github.tpdiff.weights.NearestName;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.lora.LoraWeights;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Models with what was trained on them. */
public final class LoraModels {
  /** The roles whose weights a LoRA changes: cross-attention's keys and values are conditioning. */
  private static final List<Role> CHANGED = List.of(Role.CONDITIONING, Role.DENOISER);

  private LoraModels() {}

  private interface Change {
    Component apply(Component component);
  }

  /**
   * The model with the LoRA beside its weights: nothing of the checkpoint is copied or converted.
   * Closing the result closes {@code model}.
   *
   * @param strength a factor on the whole LoRA; 1 as trained
   * @throws IllegalArgumentException if a module of the LoRA is not in the model or has another
   *     size there
   */
  public static VideoModel applied(VideoModel model, LoraWeights lora, double strength) {
    requireModules(model, lora);
    return changed(
        model,
        component -> {
          var injection = LoraInjection.of(component.program(), lora, strength);
          var values = Parameter.source(injection.parametersOf(lora), trainedFor(lora.metadata()));
          return new Component(injection.program(), component.weights().overlaid(values));
        });
  }

  /**
   * The model with the LoRA added into the weights it touches, each computed when it is read; the
   * programs stay as they are. Closing the result closes {@code model}.
   *
   * @param strength a factor on the whole LoRA; 1 as trained
   * @throws IllegalArgumentException if a module of the LoRA is not in the model
   */
  public static VideoModel merged(VideoModel model, LoraWeights lora, double strength) {
    requireModules(model, lora);
    return changed(
        model,
        component ->
            new Component(
                component.program(), new MergedTensors(component.weights(), lora, strength)));
  }

  /**
   * The model with tensors trained in full in place of its own. Closing the result closes {@code
   * model} and {@code trained}.
   *
   * @throws IllegalArgumentException if a tensor is not in the model or has another shape there
   */
  public static VideoModel replaced(VideoModel model, TensorSource trained) {
    var known = new LinkedHashMap<String, List<Long>>();
    CHANGED.stream()
        .flatMap(role -> Optional.ofNullable(model.components().get(role)).stream())
        .forEach(
            component ->
                component
                    .program()
                    .weights()
                    .keySet()
                    .forEach(name -> known.put(name, component.weights().require(name).shape())));
    for (String name : trained.names()) {
      if (!trained.require(name).shape().equals(known.get(name))) {
        throw new IllegalArgumentException(
            "%s: tensor '%s' %s: expected a tensor of the model%s"
                .formatted(
                    trained.origin(),
                    name,
                    trained.require(name).shape(),
                    known.containsKey(name)
                        ? ", which has " + known.get(name)
                        : NearestName.of(name, known.keySet())
                            .map(near -> ", the nearest is '" + near + "'")
                            .orElse("")));
      }
    }
    return changed(
        model,
        component -> new Component(component.program(), component.weights().overlaid(trained)));
  }

  /**
   * The entry of a header that says for what stages weights were trained; what is made of them
   * takes it over, in memory and in files.
   */
  public static Map<String, String> trainedFor(Map<String, String> header) {
    String plan = header.get(RecordJson.STAGES_HEADER);
    return plan == null ? Map.of() : Map.of(RecordJson.STAGES_HEADER, plan);
  }

  private static void requireModules(VideoModel model, LoraWeights lora) {
    var modules = new LinkedHashSet<String>();
    for (Role role : CHANGED) {
      Component component = model.components().get(role);
      if (component != null) {
        modules.addAll(LoraInjection.linearModules(component.program()));
      }
    }
    Set<String> unknown = new HashSet<>(lora.pairs().keySet());
    unknown.removeAll(modules);
    unknown.stream()
        .sorted()
        .findFirst()
        .ifPresent(
            name -> {
              throw new IllegalArgumentException(
                  "LoRA module '%s' is no linear layer of the model (%d of %d modules are not)%s"
                      .formatted(
                          name,
                          unknown.size(),
                          lora.pairs().size(),
                          NearestName.of(name, modules)
                              .map(near -> "; the nearest is '" + near + "'")
                              .orElse("")));
            });
  }

  private static VideoModel changed(VideoModel model, Change change) {
    var components = new EnumMap<Role, Component>(Role.class);
    components.putAll(model.components());
    CHANGED.forEach(role -> components.computeIfPresent(role, (r, c) -> change.apply(c)));
    return model.withComponents(components);
  }
}
