package io.github.tpdiff.lora;

import io.github.tpdiff.runtime.diffusion.TorchRandom;
import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.Op;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.graph.Value;
import io.github.tpdiff.weights.NearestName;
import io.github.tpdiff.weights.lora.LoraPair;
import io.github.tpdiff.weights.lora.LoraWeights;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * LoRA as a rewrite of a program: every targeted linear layer {@code y = W x + b} becomes {@code y
 * + scale · B(A(x))} (Hu et al. 2021, eq. 3), with A and B as weights {@code
 * <module>.lora_A.weight} and {@code <module>.lora_B.weight}. Knows no model.
 *
 * @param program the rewritten program
 * @param modules what was changed, in order of first use
 */
public record LoraInjection(Program program, List<LoraModule> modules) {
  private static final String WEIGHT = ".weight";

  /** What a module gains; empty leaves it alone. */
  private interface Choice {
    Optional<LoraModule> of(String module, int in, int out);
  }

  public LoraInjection {
    modules = List.copyOf(modules);
  }

  /**
   * Injects into all modules that {@code config} targets.
   *
   * @throws IllegalArgumentException if a target matches no linear layer, naming the nearest one
   */
  public static LoraInjection inject(Program program, LoraConfig config) {
    Set<String> linears = linearModules(program);
    for (ModulePattern target : config.targets()) {
      if (linears.stream().noneMatch(target::matches)) {
        throw new IllegalArgumentException(
            "lora.targets: '%s' matches no linear layer of the %s%s"
                .formatted(target.text(), program.name(), nearest(target.text(), linears)));
      }
    }
    var injected =
        rewrite(
            program,
            (name, in, out) ->
                config.targets(name)
                    ? Optional.of(
                        new LoraModule(name, in, out, config.rankOf(name), config.scaleOf(name)))
                    : Optional.empty());
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
    return rewrite(
        program,
        (name, in, out) ->
            Optional.ofNullable(lora.pairs().get(name))
                .map(pair -> module(name, in, out, requireFit(name, in, out, pair), strength)));
  }

  private static LoraModule module(String name, int in, int out, LoraPair pair, double strength) {
    return new LoraModule(name, in, out, pair.rank(), pair.scale() * strength);
  }

  private static LoraPair requireFit(String name, int in, int out, LoraPair pair) {
    if (pair.in() != in || pair.out() != out) {
      throw new IllegalArgumentException(
          "LoRA module '%s': expected A [r, %d] and B [%d, r], found A [%d, %d] and B [%d, %d]; is it for another checkpoint?"
              .formatted(name, in, out, pair.rank(), pair.in(), pair.out(), pair.rank()));
    }
    return pair;
  }

  private static LoraInjection rewrite(Program program, Choice choice) {
    var modules = new LinkedHashMap<String, LoraModule>();
    Program rewritten =
        program.mapSegments(
            segment ->
                segment.rewrite(
                    (value, inputs) ->
                        linearModule(value)
                            .flatMap(name -> choose(choice, name, inputs.get(1)))
                            .map(
                                module -> {
                                  modules.put(module.name(), module);
                                  return changed(value, inputs.get(0), module);
                                })));
    return new LoraInjection(rewritten, List.copyOf(modules.values()));
  }

  private static Optional<LoraModule> choose(Choice choice, String name, Value weight) {
    return choice.of(
        name, Math.toIntExact(weight.dim(1).value()), Math.toIntExact(weight.dim(0).value()));
  }

  private static Value changed(Value y, Value x, LoraModule module) {
    Value a = Value.weight(module.loraA(), module.rank(), module.in());
    Value b = Value.weight(module.loraB(), module.out(), module.rank());
    return y.plus(x.linear(a).linear(b).times(module.scale()));
  }

  /** The module name if {@code value} is a linear layer over a checkpoint tensor. */
  private static Optional<String> linearModule(Value value) {
    if (value.op() instanceof Op.Linear
        && value.inputs().get(1).op() instanceof Op.Weight weight
        && weight.name().endsWith(WEIGHT)) {
      String name = weight.name();
      return Optional.of(name.substring(0, name.length() - WEIGHT.length()));
    }
    return Optional.empty();
  }

  /** Dotted names of all linear layers, in order of first use. */
  public static Set<String> linearModules(Program program) {
    var names = new LinkedHashSet<String>();
    for (Graph segment : program.segments()) {
      segment.nodes().forEach(node -> linearModule(node).ifPresent(names::add));
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
   * First values as PEFT's: A uniform in ±1/√in (kaiming, a = √5), B zero, so that training starts
   * from the base model.
   */
  public Map<String, Parameter> freshParameters(long seed) {
    var random = new TorchRandom(seed);
    var parameters = new LinkedHashMap<String, Parameter>();
    for (LoraModule module : modules) {
      int count = Math.multiplyExact(module.rank(), module.in());
      parameters.put(
          module.loraA(),
          new Parameter(
              List.of((long) module.rank(), (long) module.in()),
              random.kaimingUniform(count, module.in())));
      parameters.put(
          module.loraB(),
          new Parameter(
              List.of((long) module.out(), (long) module.rank()),
              new float[Math.multiplyExact(module.out(), module.rank())]));
    }
    return parameters;
  }

  /** The values of {@code lora} for these modules, copied. */
  public Map<String, Parameter> parametersOf(LoraWeights lora) {
    var parameters = new LinkedHashMap<String, Parameter>();
    for (LoraModule module : modules) {
      LoraPair pair = requirePair(lora, module);
      parameters.put(
          module.loraA(),
          new Parameter(List.of((long) pair.rank(), (long) pair.in()), pair.a().clone()));
      parameters.put(
          module.loraB(),
          new Parameter(List.of((long) pair.out(), (long) pair.rank()), pair.b().clone()));
    }
    return parameters;
  }

  private static LoraPair requirePair(LoraWeights lora, LoraModule module) {
    LoraPair pair = lora.pairs().get(module.name());
    if (pair == null || pair.rank() != module.rank()) {
      throw new IllegalArgumentException(
          "LoRA module '%s': expected rank %d, found %s"
              .formatted(module.name(), module.rank(), pair == null ? "none" : pair.rank()));
    }
    return requireFit(module.name(), module.in(), module.out(), pair);
  }

  /**
   * These modules with the values of {@code parameters}, copied, as a LoRA file holds them.
   *
   * @param component {@code transformer} or {@code unet}
   * @param metadata strings to travel with it
   */
  public LoraWeights toWeights(
      String component, Map<String, Parameter> parameters, Map<String, String> metadata) {
    var pairs = new LinkedHashMap<String, LoraPair>();
    for (LoraModule module : modules) {
      pairs.put(
          module.name(),
          new LoraPair(
              module.rank(),
              module.scale(),
              Parameter.require(parameters, module.loraA()).values().clone(),
              Parameter.require(parameters, module.loraB()).values().clone()));
    }
    return new LoraWeights(component, pairs, metadata);
  }
}
