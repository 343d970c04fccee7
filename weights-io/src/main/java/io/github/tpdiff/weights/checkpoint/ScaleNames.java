package io.github.tpdiff.weights.checkpoint;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSource;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Which tensors of a checkpoint are scales of others, by ComfyUI's names: {@code X.scale_weight}
 * with a marker {@code scaled_fp8}, or {@code X.weight_scale} with {@code X.comfy_quant}, beside
 * {@code X.weight}.
 *
 * @param scales the scale's name by its weight's
 * @param dropped what is no weight: scales of weights and of activations, markers, a tokenizer
 */
record ScaleNames(Map<String, String> scales, Set<String> dropped) {

  private static final String WEIGHT = "weight";
  private static final List<String> OF_WEIGHTS = List.of("scale_weight", "weight_scale");
  private static final List<String> OF_ACTIVATIONS = List.of("scale_input", "input_scale");
  private static final String FORMAT = "comfy_quant";
  private static final List<String> OF_CHECKPOINT = List.of("scaled_fp8", "spiece_model");
  private static final Map<String, DType> FORMATS =
      Map.of("float8_e4m3fn", DType.F8_E4M3, "float8_e5m2", DType.F8_E5M2);
  private static final int MAX_FORMAT_BYTES = 10_000;

  /**
   * Finds them.
   *
   * @throws CheckpointException naming a scale without a weight, two scales of one weight, or a
   *     weight quantised in another way
   */
  static ScaleNames in(TensorSource source) {
    ScaleNames found = new ScaleNames(new LinkedHashMap<>(), new LinkedHashSet<>());
    for (String name : source.names()) {
      found.note(source, name);
    }
    for (String name : found.dropped) {
      if (last(name).equals(FORMAT)) {
        found.requireFormat(source, name);
      }
    }
    return found;
  }

  private void note(TensorSource source, String name) {
    String last = last(name);
    String weight = name.substring(0, name.length() - last.length()) + WEIGHT;
    boolean beside = !last.equals(WEIGHT) && source.find(weight).isPresent();
    if (OF_WEIGHTS.contains(last)) {
      if (!beside) {
        throw new CheckpointException(
            "%s: tensor '%s': expected the weight that it scales, '%s', which is missing"
                .formatted(source.origin(), name, weight));
      }
      String other = scales.putIfAbsent(weight, name);
      if (other != null) {
        throw new CheckpointException(
            "%s: tensors '%s' and '%s' both scale '%s'"
                .formatted(source.origin(), other, name, weight));
      }
      dropped.add(name);
    } else if (OF_CHECKPOINT.contains(last)
        || (beside && (OF_ACTIVATIONS.contains(last) || last.equals(FORMAT)))) {
      dropped.add(name);
    } else if (beside
        && last.contains("scale")
        && source.require(weight).dtype().isEightBitFloat()) {
      throw new CheckpointException(
          "%s: tensor '%s': expected '%s' to be scaled by one of %s"
              .formatted(source.origin(), name, weight, OF_WEIGHTS));
    }
  }

  private void requireFormat(TensorSource source, String name) {
    String weight = name.substring(0, name.length() - FORMAT.length()) + WEIGHT;
    String format = format(source, name);
    DType expected = FORMATS.get(format);
    DType found = source.require(weight).dtype();
    if (expected != found) {
      throw new CheckpointException(
          "%s: tensor '%s': expected one of %s as '%s' is stored, found '%s' and %s"
              .formatted(
                  source.origin(),
                  name,
                  FORMATS.keySet().stream().sorted().toList(),
                  weight,
                  format,
                  found));
    }
    if (!scales.containsKey(weight)) {
      throw new CheckpointException(
          "%s: tensor '%s': expected the scale of '%s', '%s_scale', which is missing"
              .formatted(source.origin(), name, weight, weight));
    }
  }

  /** What a tensor of bytes that hold a JSON object says. */
  private static String format(TensorSource source, String name) {
    TensorInfo info = source.require(name);
    if (info.byteCount() <= MAX_FORMAT_BYTES) {
      String json = StandardCharsets.UTF_8.decode(source.bytes(name)).toString();
      try {
        JsonNode format = new ObjectMapper().readTree(json).path("format");
        if (format.isTextual()) {
          return format.textValue();
        }
      } catch (JacksonException notJson) {
        return json;
      }
    }
    return "none";
  }

  private static String last(String name) {
    return name.substring(name.lastIndexOf('.') + 1);
  }
}
