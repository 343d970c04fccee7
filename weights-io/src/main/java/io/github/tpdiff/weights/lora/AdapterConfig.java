package io.github.tpdiff.weights.lora;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.tpdiff.weights.CheckpointException;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What PEFT's configuration says about the factor on an adapter.
 *
 * @param alphas of modules that differ
 * @param rank of a LoKr, whose tensors may not show it
 * @param ranks of modules that differ
 * @param traits that are on
 */
record AdapterConfig(
    Optional<Double> alpha,
    ModulePatterns alphas,
    Optional<Double> rank,
    ModulePatterns ranks,
    Set<Trait> traits) {

  /** What may be on. */
  enum Trait {
    /** Scale is alpha / √rank instead of alpha / rank. */
    RANK_STABILISED,
    DORA
  }

  static final String LORA = "LORA";
  static final String LOKR = "LOKR";

  /** Nothing is said: alpha is the rank. */
  static final AdapterConfig NONE =
      new AdapterConfig(
          Optional.empty(), ModulePatterns.NONE, Optional.empty(), ModulePatterns.NONE, Set.of());

  AdapterConfig {
    traits = Set.copyOf(traits);
  }

  boolean dora() {
    return traits.contains(Trait.DORA);
  }

  /**
   * Reads a configuration.
   *
   * @param prefix of every field, such as {@code transformer.}, or empty
   * @throws CheckpointException when it is not JSON or asks for what is not supported
   */
  static AdapterConfig parse(String origin, String json, String prefix) {
    JsonNode root;
    try {
      root = new ObjectMapper().readTree(json);
    } catch (JsonProcessingException malformed) {
      throw new CheckpointException(
          "%s: the adapter's configuration is not JSON: %s"
              .formatted(origin, malformed.getOriginalMessage()),
          malformed);
    }
    String type = root.path(prefix + "peft_type").asText(LORA);
    if (!type.equals(LORA) && !type.equals(LOKR)) {
      throw new CheckpointException(
          "%s: expected peft_type '%s' or '%s', found '%s'".formatted(origin, LORA, LOKR, type));
    }
    if (root.path(prefix + "fan_in_fan_out").asBoolean(false)) {
      throw new CheckpointException(
          "%s: 'fan_in_fan_out' is on, expected a LoRA without it".formatted(origin));
    }
    Fields fields = new Fields(origin, root, prefix);
    fields.numbers("r").forEach((field, rank) -> fields.requireRank(field, rank));
    fields.numbers("rank_pattern").forEach((field, rank) -> fields.requireRank(field, rank));
    Set<Trait> traits = EnumSet.noneOf(Trait.class);
    if (root.path(prefix + "use_rslora").asBoolean(false)) {
      traits.add(Trait.RANK_STABILISED);
    }
    if (root.path(prefix + "use_dora").asBoolean(false)) {
      traits.add(Trait.DORA);
    }
    return new AdapterConfig(
        fields.number(type.equals(LOKR) ? "alpha" : "lora_alpha"),
        fields.patterns("alpha_pattern"),
        fields.number("r"),
        fields.patterns("rank_pattern"),
        traits);
  }

  /** Numbers of a configuration. */
  private record Fields(String origin, JsonNode root, String prefix) {

    /** The number of a field, or those of the fields within it, in order; none where it is null. */
    Map<String, Double> numbers(String field) {
      Map<String, Double> numbers = new LinkedHashMap<>();
      JsonNode value = root.path(prefix + field);
      if (value.isObject()) {
        value.properties().forEach(e -> numbers.put(e.getKey(), number(field, e.getValue())));
      } else if (!value.isMissingNode() && !value.isNull()) {
        numbers.put(field, number(field, value));
      }
      return numbers;
    }

    Optional<Double> number(String field) {
      return numbers(field).values().stream().findFirst();
    }

    ModulePatterns patterns(String field) {
      return ModulePatterns.of(origin + ": " + prefix + field, numbers(field));
    }

    private double number(String field, JsonNode value) {
      if (!value.isNumber() || !Double.isFinite(value.asDouble())) {
        throw wrong(field, "a finite number", value);
      }
      return value.asDouble();
    }

    void requireRank(String field, double rank) {
      if (rank < 1 || rank != Math.rint(rank)) {
        throw wrong(field, "a rank of at least 1", rank);
      }
    }

    private CheckpointException wrong(String field, String expected, Object found) {
      return new CheckpointException(
          "%s: %s%s: expected %s, found %s".formatted(origin, prefix, field, expected, found));
    }
  }

  /**
   * The pair of a module.
   *
   * @param module its name in the network that the adapter was made for
   */
  LoraPair pair(String module, int rank, float[] a, float[] b) {
    if (alpha.isEmpty()) {
      return LoraPair.ofAlpha(rank, rank, a, b);
    }
    double alphaHere = alphas.find(module).orElse(alpha.get());
    return traits.contains(Trait.RANK_STABILISED)
        ? new LoraPair(rank, alphaHere / Math.sqrt(rank), a, b)
        : LoraPair.ofAlpha(rank, alphaHere, a, b);
  }

  /**
   * The factor on a LoKr's product.
   *
   * @param module its name in the network that the adapter was made for
   */
  double scaleOfKronecker(String module) {
    double rankHere = ranks.find(module).or(() -> rank).orElse(1.0);
    return alphas.find(module).or(() -> alpha).orElse(rankHere) / rankHere;
  }
}
