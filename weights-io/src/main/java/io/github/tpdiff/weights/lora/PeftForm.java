package io.github.tpdiff.weights.lora;

import io.github.tpdiff.weights.CheckpointException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * A LoRA as PEFT can hold it: layers of one kind, and a configuration from which PEFT makes the
 * tensors that it then looks for.
 *
 * @param weights whose layers PEFT would make so
 */
record PeftForm(LoraWeights weights) {
  /**
   * Of any LoRA, the same in effect.
   *
   * @param origin what is to be written, for the message
   * @param format diffusers' or PEFT's: diffusers' {@code load_lora_adapter}, which is its only
   *     reader of LoKr, takes every scale to be 1 unless it is told to look into the header
   * @throws CheckpointException when its layers are of several kinds
   */
  static PeftForm of(String origin, LoraWeights weights, LoraFormat format) {
    Set<String> kinds = new TreeSet<>();
    Map<String, LayerChange> layers = new TreeMap<>();
    weights
        .layers()
        .forEach(
            (module, change) -> {
              kinds.add(change.kind());
              layers.put(
                  module,
                  change instanceof KroneckerPair pair
                      ? PeftKronecker.made(
                          format == LoraFormat.DIFFUSERS ? pair.withScaleInside() : pair)
                      : change);
            });
    if (layers.values().stream().anyMatch(PeftForm::hasMagnitudesOfInputs)) {
      throw new CheckpointException(
          "%s: PEFT has a DoRA's magnitudes for outputs, found some for inputs; write it as COMFYUI"
              .formatted(origin));
    }
    if (kinds.size() > 1) {
      throw new CheckpointException(
          "%s: PEFT holds layers of one kind, found %s; write it as COMFYUI"
              .formatted(origin, kinds));
    }
    var form =
        new PeftForm(
            new LoraWeights(weights.component(), layers, weights.full(), weights.metadata()));
    if (kinds.contains("LoKr")) {
      PeftKronecker.requireFactor(origin, form.layers(KroneckerPair.class));
    }
    return form;
  }

  private static boolean hasMagnitudesOfInputs(LayerChange change) {
    return change instanceof DoraPair dora && dora.axis() == DoraPair.Axis.INPUTS;
  }

  private <T> Map<String, T> layers(Class<T> kind) {
    Map<String, T> own = new TreeMap<>();
    weights
        .layers()
        .forEach(
            (module, change) -> {
              if (kind.isInstance(change)) {
                own.put(module, kind.cast(change));
              }
            });
    return own;
  }

  /** PEFT's fields, sorted; modules that differ from the most frequent are listed. */
  Map<String, Object> fields() {
    Map<String, KroneckerPair> kroneckers = layers(KroneckerPair.class);
    Function<LayerChange, Integer> rankOf =
        change -> change instanceof KroneckerPair pair ? PeftKronecker.rank(pair) : change.rank();
    Function<LayerChange, Double> alphaOf =
        change -> change instanceof KroneckerPair pair ? PeftKronecker.alpha(pair) : change.alpha();
    int rank = mostFrequent(rankOf);
    double alpha = mostFrequent(alphaOf);
    Map<String, Object> ranks = new TreeMap<>();
    Map<String, Object> alphas = new TreeMap<>();
    weights
        .layers()
        .forEach(
            (module, change) -> {
              if (rankOf.apply(change) != rank) {
                ranks.put(pattern(module), rankOf.apply(change));
              }
              if (alphaOf.apply(change) != alpha) {
                alphas.put(pattern(module), number(alphaOf.apply(change)));
              }
            });
    Map<String, Object> fields = new TreeMap<>();
    fields.put("alpha_pattern", alphas);
    fields.put("inference_mode", false);
    fields.put("r", rank);
    fields.put("rank_pattern", ranks);
    fields.put("target_modules", weights.layers().keySet());
    fields.putAll(
        kroneckers.isEmpty() ? ofLora(alpha) : PeftKronecker.fields(kroneckers, number(alpha)));
    return fields;
  }

  private Map<String, Object> ofLora(double alpha) {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("bias", "none");
    fields.put("fan_in_fan_out", false);
    fields.put("init_lora_weights", true);
    fields.put("lora_alpha", number(alpha));
    if (!weights.biasesBesidePairs().isEmpty()) {
      fields.put("lora_bias", true);
    }
    fields.put("lora_dropout", 0.0);
    fields.put("peft_type", AdapterConfig.LORA);
    fields.put("use_dora", !layers(DoraPair.class).isEmpty());
    fields.put("use_rslora", false);
    return fields;
  }

  /** A name means every module that ends in it, unless it is tied to the start. */
  private String pattern(String module) {
    String ending = "." + module;
    boolean ambiguous = weights.layers().keySet().stream().anyMatch(name -> name.endsWith(ending));
    return ambiguous ? "^" + module : module;
  }

  private <T> T mostFrequent(Function<LayerChange, T> property) {
    return weights.layers().values().stream()
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

  /** The configuration of a folder. */
  Map<String, Object> ofFolder() {
    Map<String, Object> fields = new TreeMap<>(fields());
    fields.put(
        "base_model_name_or_path",
        Optional.ofNullable(weights.metadata().get(LoraWriter.BASE_MODEL)).orElse(""));
    fields.put("inference_mode", true);
    return fields;
  }
}
