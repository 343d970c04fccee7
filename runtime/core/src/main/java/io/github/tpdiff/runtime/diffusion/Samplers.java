package io.github.tpdiff.runtime.diffusion;

import static com.google.common.base.Preconditions.checkArgument;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;

/** Samplers by the names that other tools give them. */
public final class Samplers {
  private static final Map<String, Sampler> BY_NAME = byName();

  private Samplers() {}

  private static Map<String, Sampler> byName() {
    var samplers = new LinkedHashMap<String, Sampler>();
    samplers.put("euler", new EulerSampler());
    samplers.put("ddim", new EulerSampler()); // the same in a step's own coordinates
    samplers.put("heun", new HeunSampler());
    samplers.put("unipc", new UniPcSampler());
    samplers.put("dpm", new DpmSolverSampler());
    samplers.put("euler-ancestral", new AncestralSampler(1));
    samplers.put("ddpm", new AncestralSampler(1)); // the same, by the name it has for ε
    samplers.put("dpm-sde", new DpmSolverSdeSampler());
    return samplers;
  }

  /** Every name, deterministic samplers first. */
  public static List<String> names() {
    return List.copyOf(BY_NAME.keySet());
  }

  /**
   * The first name of a sampler.
   *
   * @throws IllegalArgumentException if it has none
   */
  public static String nameOf(Sampler sampler) {
    return BY_NAME.entrySet().stream()
        .filter(named -> named.getValue().equals(sampler))
        .map(Map.Entry::getKey)
        .findFirst()
        .orElseThrow(
            () -> new IllegalArgumentException("sampler: %s has no name".formatted(sampler)));
  }

  /**
   * The sampler of a name, in any case.
   *
   * @throws IllegalArgumentException if there is none, naming those there are
   */
  public static Sampler named(String name) {
    Sampler sampler = BY_NAME.get(name.toLowerCase(Locale.ROOT));
    checkArgument(
        sampler != null, "sampler: expected one of %s, found '%s'", BY_NAME.keySet(), name);
    return Objects.requireNonNull(sampler);
  }
}
