package io.github.tpdiff.lora;

import io.github.tpdiff.runtime.diffusion.TorchRandom;
import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.weights.NearestName;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.lora.LoraWeights;
import io.github.tpdiff.weights.lora.TensorChange;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;

/**
 * Changes of layers as a rewrite of a program, with the tensors that they add as weights beside the
 * checkpoint's. Knows no model.
 *
 * @param program the rewritten program
 * @param modules what was changed, in order of first use
 */
public record LoraInjection(Program program, List<WeightChange> modules) {
  public LoraInjection {
    modules = List.copyOf(modules);
  }

  /**
   * Injects into all modules that {@code config} targets.
   *
   * @throws IllegalArgumentException if a target matches no layer, naming the nearest one
   */
  public static LoraInjection inject(Program program, LoraConfig config) {
    return inject(program, config, LoraDropout.NONE);
  }

  /** The same for training with dropout. */
  public static LoraInjection inject(Program program, LoraConfig config, LoraDropout dropout) {
    Set<String> layers = layers(program);
    for (ModulePattern target : config.targets()) {
      if (layers.stream().noneMatch(target::matches)) {
        throw new IllegalArgumentException(
            "lora.targets: '%s' matches no linear layer or convolution of the %s%s"
                .formatted(target.text(), program.name(), nearest(target.text(), layers)));
      }
    }
    var injected =
        rewrite(
            program,
            layer ->
                Optional.of(layer).filter(own -> config.targets(own.name())).map(config::changeOf),
            dropout);
    if (injected.modules.isEmpty()) {
      throw new IllegalArgumentException(
          "lora.exclude: excludes every module that lora.targets matches");
    }
    return injected;
  }

  /**
   * Injects the modules of {@code lora} that {@code program} has, each with its own rank and scale.
   * A pipeline has several programs, so some or all modules may lie in another one.
   *
   * @throws IllegalArgumentException if a module has other sizes here
   */
  public static LoraInjection of(Program program, LoraWeights lora, double strength) {
    return of(program, lora, strength, LoraDropout.NONE);
  }

  /** The same at full strength, for training with dropout. */
  public static LoraInjection of(Program program, LoraWeights lora, LoraDropout dropout) {
    return of(program, lora, 1, dropout);
  }

  private static LoraInjection of(
      Program program, LoraWeights lora, double strength, LoraDropout dropout) {
    Map<String, TensorChange> changes = lora.changes();
    return rewrite(
        program,
        layer ->
            Optional.ofNullable(changes.get(layer.name() + Layer.WEIGHT))
                .flatMap(change -> WeightChange.of(layer, change, strength)),
        dropout);
  }

  /**
   * Rewrites the layers that gain a change.
   *
   * @param choice what a layer gains; empty leaves it alone
   * @param dropout of what the changes are given
   */
  private static LoraInjection rewrite(
      Program program,
      Function<Layer, Optional<? extends WeightChange>> choice,
      LoraDropout dropout) {
    var changes = new LinkedHashMap<String, WeightChange>();
    var number = new AtomicInteger();
    Program rewritten =
        program.mapSegments(
            segment ->
                segment.rewrite(
                    (value, inputs) ->
                        Layer.of(value, inputs)
                            .flatMap(
                                layer ->
                                    choice
                                        .apply(layer)
                                        .map(
                                            change -> {
                                              changes.put(change.name(), change);
                                              return change.rewrite(
                                                  dropout.of(layer, number.getAndIncrement()));
                                            }))));
    return new LoraInjection(rewritten, List.copyOf(changes.values()));
  }

  /** Dotted names of all layers that can be changed, in order of first use. */
  private static Set<String> layers(Program program) {
    var names = new LinkedHashSet<String>();
    for (Graph segment : program.segments()) {
      segment
          .nodes()
          .forEach(
              node -> Layer.of(node, node.inputs()).ifPresent(layer -> names.add(layer.name())));
    }
    return names;
  }

  private static String nearest(String target, Set<String> modules) {
    int parts = target.split("\\.", -1).length;
    var ends = new LinkedHashSet<String>();
    for (String module : modules) {
      List<String> names = List.of(module.split("\\.", -1));
      ends.add(String.join(".", names.subList(Math.max(0, names.size() - parts), names.size())));
    }
    return NearestName.of(target, ends)
        .map(near -> "; the nearest is '" + near + "'")
        .orElse(", which has none");
  }

  /**
   * First values of the tensors that are added, by weight name; they change nothing yet.
   *
   * @param frozen the network's weights
   */
  public Map<String, Parameter> freshParameters(long seed, TensorSource frozen) {
    var random = new TorchRandom(seed);
    var parameters = new LinkedHashMap<String, Parameter>();
    modules.forEach(change -> parameters.putAll(change.freshParameters(random, frozen)));
    return parameters;
  }

  /** The values of {@code lora} for these modules, copied. */
  public Map<String, Parameter> parametersOf(LoraWeights lora) {
    Map<String, TensorChange> changes = lora.changes();
    var parameters = new LinkedHashMap<String, Parameter>();
    for (WeightChange change : modules) {
      TensorChange own =
          Optional.ofNullable(changes.get(change.name() + Layer.WEIGHT))
              .orElseThrow(
                  () ->
                      new IllegalArgumentException(
                          "LoRA: expected a change of module '%s', found none"
                              .formatted(change.name())));
      parameters.putAll(change.parametersOf(own));
    }
    return parameters;
  }

  /**
   * These modules with the values of {@code parameters}, copied, as a LoRA file holds them.
   *
   * @param component {@code transformer} or {@code unet}
   * @param metadata strings to travel with it
   */
  public LoraWeights toWeights(
      String component, Map<String, Parameter> parameters, Map<String, String> metadata) {
    var changes = new LinkedHashMap<String, TensorChange>();
    modules.forEach(
        change -> changes.put(change.name() + Layer.WEIGHT, change.changeOf(parameters)));
    return LoraWeights.of(component, changes, metadata);
  }
}
