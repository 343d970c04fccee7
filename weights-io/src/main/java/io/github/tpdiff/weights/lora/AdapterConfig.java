package io.github.tpdiff.weights.lora;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.tpdiff.weights.CheckpointException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * What PEFT's configuration says about alpha.
 *
 * @param alphas of modules that differ
 * @param rankStabilised whether scale is alpha / √rank instead of alpha / rank
 */
record AdapterConfig(Optional<Double> alpha, ModulePatterns alphas, boolean rankStabilised) {

  /** Nothing is said: alpha is the rank. */
  static final AdapterConfig NONE = new AdapterConfig(Optional.empty(), ModulePatterns.NONE, false);

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
    String type = root.path(prefix + "peft_type").asText("LORA");
    if (!type.equals("LORA")) {
      throw new CheckpointException(
          "%s: expected peft_type 'LORA', found '%s'".formatted(origin, type));
    }
    for (String unsupported : new String[] {"use_dora", "fan_in_fan_out"}) {
      if (root.path(prefix + unsupported).asBoolean(false)) {
        throw new CheckpointException(
            "%s: '%s' is on, expected a LoRA without it".formatted(origin, unsupported));
      }
    }
    Fields fields = new Fields(origin, root, prefix);
    fields.numbers("r").forEach((field, rank) -> fields.requireRank(field, rank));
    fields.numbers("rank_pattern").forEach((field, rank) -> fields.requireRank(field, rank));
    return new AdapterConfig(
        fields.numbers("lora_alpha").values().stream().findFirst(),
        ModulePatterns.of(
            origin + ": " + prefix + "alpha_pattern", fields.numbers("alpha_pattern")),
        root.path(prefix + "use_rslora").asBoolean(false));
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
    return rankStabilised
        ? new LoraPair(rank, alphaHere / Math.sqrt(rank), a, b)
        : LoraPair.ofAlpha(rank, alphaHere, a, b);
  }

  /** PEFT's fields for a LoRA, sorted; modules that differ from the most frequent are listed. */
  static Map<String, Object> fields(LoraWeights weights) {
    int rank = mostFrequent(weights, LoraPair::rank);
    double alpha = mostFrequent(weights, LoraPair::alpha);
    Map<String, Object> ranks = new TreeMap<>();
    Map<String, Object> alphas = new TreeMap<>();
    weights
        .pairs()
        .forEach(
            (module, pair) -> {
              if (pair.rank() != rank) {
                ranks.put(pattern(module, weights), pair.rank());
              }
              if (pair.alpha() != alpha) {
                alphas.put(pattern(module, weights), number(pair.alpha()));
              }
            });
    Map<String, Object> fields = new TreeMap<>();
    fields.put("alpha_pattern", alphas);
    fields.put("bias", "none");
    fields.put("fan_in_fan_out", false);
    fields.put("inference_mode", false);
    fields.put("init_lora_weights", true);
    fields.put("lora_alpha", number(alpha));
    if (!weights.biasesBesidePairs().isEmpty()) {
      fields.put("lora_bias", true);
    }
    fields.put("lora_dropout", 0.0);
    fields.put("peft_type", "LORA");
    fields.put("r", rank);
    fields.put("rank_pattern", ranks);
    fields.put("target_modules", weights.pairs().keySet());
    fields.put("use_dora", false);
    fields.put("use_rslora", false);
    return fields;
  }

  /** A name means every module that ends in it, unless it is tied to the start. */
  private static String pattern(String module, LoraWeights weights) {
    String ending = "." + module;
    boolean ambiguous = weights.pairs().keySet().stream().anyMatch(name -> name.endsWith(ending));
    return ambiguous ? "^" + module : module;
  }

  private static <T> T mostFrequent(LoraWeights weights, Function<LoraPair, T> property) {
    return weights.pairs().values().stream()
        .collect(Collectors.groupingBy(property, TreeMap::new, Collectors.counting()))
        .entrySet()
        .stream()
        .max(Map.Entry.comparingByValue())
        .orElseThrow()
        .getKey();
  }

  private static Number number(double value) {
    return value == Math.rint(value) ? (Number) (long) value : (Number) value;
  }
}
