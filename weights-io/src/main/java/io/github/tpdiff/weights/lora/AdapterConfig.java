package io.github.tpdiff.weights.lora;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.tpdiff.weights.CheckpointException;
import java.util.HashMap;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * What PEFT's configuration says about alpha.
 *
 * @param alphas by the last parts of a module's name, for modules that differ
 * @param rankStabilised whether scale is alpha / √rank instead of alpha / rank
 */
record AdapterConfig(OptionalDouble alpha, Map<String, Double> alphas, boolean rankStabilised) {

  /** Nothing is said: alpha is the rank. */
  static final AdapterConfig NONE = new AdapterConfig(OptionalDouble.empty(), Map.of(), false);

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
    JsonNode alpha = root.path(prefix + "lora_alpha");
    Map<String, Double> alphas = new HashMap<>();
    root.path(prefix + "alpha_pattern")
        .properties()
        .forEach(
            entry -> alphas.put(plainName(origin, entry.getKey()), entry.getValue().asDouble()));
    return new AdapterConfig(
        alpha.isNumber() ? OptionalDouble.of(alpha.asDouble()) : OptionalDouble.empty(),
        alphas,
        root.path(prefix + "use_rslora").asBoolean(false));
  }

  /** The pair of a module. */
  LoraPair pair(String module, int rank, float[] a, float[] b) {
    if (alpha.isEmpty()) {
      return LoraPair.ofAlpha(rank, rank, a, b);
    }
    double alphaHere =
        alphas.entrySet().stream()
            .filter(entry -> names(entry.getKey(), module))
            .mapToDouble(Map.Entry::getValue)
            .findFirst()
            .orElse(alpha.getAsDouble());
    return rankStabilised
        ? new LoraPair(rank, alphaHere / Math.sqrt(rank), a, b)
        : LoraPair.ofAlpha(rank, alphaHere, a, b);
  }

  /** PEFT takes patterns; names with escaped dots are those that occur. */
  private static String plainName(String origin, String pattern) {
    String plain = pattern.replace("^", "").replace("\\.", ".");
    if (!plain.matches("[\\w.-]+")) {
      throw new CheckpointException(
          "%s: alpha_pattern: expected the name of a module, found the pattern '%s'"
              .formatted(origin, pattern));
    }
    return plain;
  }

  private static boolean names(String name, String module) {
    return module.equals(name) || module.endsWith("." + name);
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
                ranks.put(module, pair.rank());
              }
              if (pair.alpha() != alpha) {
                alphas.put(module, number(pair.alpha()));
              }
            });
    Map<String, Object> fields = new TreeMap<>();
    fields.put("alpha_pattern", alphas);
    fields.put("bias", "none");
    fields.put("fan_in_fan_out", false);
    fields.put("inference_mode", false);
    fields.put("init_lora_weights", true);
    fields.put("lora_alpha", number(alpha));
    fields.put("lora_dropout", 0.0);
    fields.put("peft_type", "LORA");
    fields.put("r", rank);
    fields.put("rank_pattern", ranks);
    fields.put("target_modules", weights.pairs().keySet());
    fields.put("use_dora", false);
    fields.put("use_rslora", false);
    return fields;
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
