package io.github.tpdiff.lora.train;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.lora.LoraInjection;
import io.github.tpdiff.lora.ModulePattern;
import io.github.tpdiff.lora.Parameter;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.model.Component;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.NearestName;
import io.github.tpdiff.weights.TensorSource;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A program, its frozen weights, and the tensors that are trained.
 *
 * @param program with one output
 * @param frozen the checkpoint; not closed by training
 * @param parameters first values by weight name; changed in place
 * @param change what is trained, in words that differ when it does: layers, ranks, scales
 */
public record TrainingTarget(
    Program program, TensorSource frozen, Map<String, Parameter> parameters, String change) {

  public TrainingTarget {
    checkArgument(!parameters.isEmpty(), "training: expected at least one tensor to train");
    parameters = Collections.unmodifiableMap(new LinkedHashMap<>(parameters));
  }

  /**
   * The denoiser of a model with its conditioning, from its conditions to the prediction.
   *
   * @throws CheckpointException if the model has it not
   */
  public static Component network(VideoModel model, String denoiser) {
    List<Component> parts =
        model.description().flow().network(denoiser).stream().map(model::require).toList();
    Component last = parts.get(parts.size() - 1);
    Component first = parts.get(0);
    if (parts.size() == 1) {
      return last;
    }
    TensorSource weights =
        first.weights() == last.weights()
            ? last.weights()
            : first.weights().overlaid(last.weights());
    return new Component(denoiser, first.program().then(last.program()), weights);
  }

  /** The first denoiser of a model. */
  public static Component network(VideoModel model) {
    return network(model, model.description().denoiser());
  }

  /** Trains the changes of an injection into {@link #network}. */
  public static TrainingTarget lora(
      LoraInjection injection, TensorSource frozen, Map<String, Parameter> parameters) {
    return new TrainingTarget(
        injection.program(), frozen, parameters, injection.modules().toString());
  }

  /**
   * Trains tensors of the network itself, in full.
   *
   * @param patterns matched with tensor names and with module names
   * @throws IllegalArgumentException if none matches
   */
  public static TrainingTarget weights(Component network, List<ModulePattern> patterns) {
    var parameters = new LinkedHashMap<String, Parameter>();
    for (String name : requireTrained(network, patterns)) {
      parameters.put(
          name,
          new Parameter(network.weights().require(name).shape(), network.weights().floats(name)));
    }
    return new TrainingTarget(
        network.program(), network.weights(), parameters, parameters.keySet().toString());
  }

  /**
   * The tensors of a network that patterns match, in order of first use.
   *
   * @throws IllegalArgumentException if a pattern matches none, naming the nearest
   */
  public static List<String> requireTrained(Component network, List<ModulePattern> patterns) {
    Set<String> names = network.program().weights().keySet();
    for (ModulePattern pattern : patterns) {
      checkArgument(
          names.stream().anyMatch(name -> matches(pattern, name)),
          "train.weights: '%s' matches no tensor of the %s; the nearest is '%s'",
          pattern.text(),
          network.program().name(),
          NearestName.of(pattern.text(), names).orElse(""));
    }
    return names.stream()
        .filter(name -> patterns.stream().anyMatch(pattern -> matches(pattern, name)))
        .toList();
  }

  private static boolean matches(ModulePattern pattern, String name) {
    return pattern.matches(name)
        || pattern.matches(name.substring(0, Math.max(0, name.lastIndexOf('.'))));
  }

  /** All weights with the present values of the trained ones, copied. */
  public TensorSource weights() {
    return frozen.overlaid(Parameter.source(parameters));
  }
}
