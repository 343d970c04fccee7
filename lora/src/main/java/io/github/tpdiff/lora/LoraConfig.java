package io.github.tpdiff.lora;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.weights.lora.KroneckerSizes;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Which linear layers and convolutions gain a change, of which kind and rank.
 *
 * @param kind of the change
 * @param rank r of {@code A [r, in]} and {@code B [out, r]}
 * @param alpha the change is scaled by {@code alpha / rank}
 * @param targets modules to change
 * @param exclude of the targets, those left alone
 * @param ranks ranks that differ; the first pattern that matches a module decides
 */
public record LoraConfig(
    Kind kind,
    int rank,
    double alpha,
    List<ModulePattern> targets,
    List<ModulePattern> exclude,
    Map<ModulePattern, Integer> ranks) {
  /** What a layer gains. */
  public sealed interface Kind {}

  /** A low-rank product. */
  public record Lora() implements Kind {}

  /** The same, with the magnitudes of the whole weight of their own. */
  public record Dora() implements Kind {}

  /**
   * A Kronecker product.
   *
   * @param factor the first sizes, or {@link KroneckerSizes#NEAR_THE_ROOT}
   */
  public record Lokr(int factor) implements Kind {
    /**
     * @throws IllegalArgumentException if the factor is out of range
     */
    public Lokr {
      checkArgument(
          factor == KroneckerSizes.NEAR_THE_ROOT || (factor >= 1 && factor <= LARGEST_RANK),
          "lora.factor: from 1 to %s, found %s",
          LARGEST_RANK,
          factor);
    }
  }

  /** Far above the width of any layer, where a low rank saves nothing. */
  private static final int LARGEST_RANK = 1 << 16;

  /**
   * @throws IllegalArgumentException if a value is out of range or there is no target
   */
  public LoraConfig {
    checkArgument(
        rank >= 1 && rank <= LARGEST_RANK, "lora.rank: from 1 to %s, found %s", LARGEST_RANK, rank);
    checkArgument(
        alpha > 0 && Double.isFinite(alpha), "lora.alpha: must be positive, found %s", alpha);
    checkArgument(!targets.isEmpty(), "lora.targets: expected at least one module pattern");
    targets = List.copyOf(targets);
    exclude = List.copyOf(exclude);
    ranks = Collections.unmodifiableMap(new LinkedHashMap<>(ranks));
    ranks.forEach(
        (pattern, own) ->
            checkArgument(
                own >= 1 && own <= LARGEST_RANK,
                "lora.rank_pattern: %s: from 1 to %s, found %s",
                pattern.text(),
                LARGEST_RANK,
                own));
  }

  /** Low-rank changes. */
  public LoraConfig(
      int rank,
      double alpha,
      List<ModulePattern> targets,
      List<ModulePattern> exclude,
      Map<ModulePattern, Integer> ranks) {
    this(new Lora(), rank, alpha, targets, exclude, ranks);
  }

  /** One rank for all modules whose dotted names end in one of {@code targets}. */
  public static LoraConfig of(int rank, double alpha, List<String> targets) {
    return new LoraConfig(
        rank, alpha, targets.stream().map(ModulePattern::new).toList(), List.of(), Map.of());
  }

  boolean targets(String module) {
    return targets.stream().anyMatch(p -> p.matches(module))
        && exclude.stream().noneMatch(p -> p.matches(module));
  }

  int rankOf(String module) {
    return ranks.entrySet().stream()
        .filter(entry -> entry.getKey().matches(module))
        .map(Map.Entry::getValue)
        .findFirst()
        .orElse(rank);
  }

  /** What a layer that is targeted gains. */
  WeightChange changeOf(Layer layer) {
    int own = rankOf(layer.name());
    if (kind instanceof Lokr lokr) {
      return LokrModule.of(layer, own, alpha, lokr.factor());
    }
    var product = LoraModule.of(layer, own, alpha / own);
    return kind instanceof Dora ? new DoraModule(product, 1) : product;
  }
}
