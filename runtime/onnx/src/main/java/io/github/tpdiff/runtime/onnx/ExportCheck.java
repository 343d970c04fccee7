package io.github.tpdiff.runtime.onnx;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.github.tpdiff.runtime.model.ComponentDescription;
import io.github.tpdiff.runtime.pipeline.PartsComparison.PartError;
import io.github.tpdiff.weights.AtomicFile;
import io.github.tpdiff.weights.IndentedJson;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * How far an exported folder is from the model that it was made of, computed in fp32 on the same
 * inputs: encoders, each stage of the denoisers, the autoencoder.
 */
public record ExportCheck(List<Part> parts) {
  /** In the exported folder, where a check was made. */
  public static final String FILE = "tpdiff_check.json";

  /**
   * One part.
   *
   * @param maxError max|exported − fp32| over max|fp32|
   */
  public record Part(String component, String part, Precision precision, double maxError) {
    /** False for what is no number, too. */
    public boolean passes() {
      return maxError <= precision.tolerance();
    }

    /** One line on a part whose precision breaks its tolerance; empty if it passes. */
    public Optional<String> complaint() {
      return passes()
          ? Optional.empty()
          : Optional.of(
              String.format(
                  Locale.ROOT,
                  "%s: %s is %.1e from fp32, expected at most %.0e%s",
                  part,
                  precision.word(),
                  maxError,
                  precision.tolerance(),
                  remedy()));
    }

    private String remedy() {
      return switch (precision) {
        case KEEP, FP32 -> "";
        case BF16, FP16, INT8, FP8 ->
            "; export with --precision %s=keep".formatted(ComponentDescription.folderOf(component));
      };
    }
  }

  public ExportCheck {
    parts = List.copyOf(parts);
  }

  /** With the precision of each part. */
  public static ExportCheck of(List<PartError> errors, Precisions precisions) {
    return new ExportCheck(
        errors.stream()
            .map(
                error ->
                    new Part(
                        error.component(),
                        error.part(),
                        precisions.of(error.component()),
                        error.maxError()))
            .toList());
  }

  /** Whether every part passes. */
  public boolean passes() {
    return parts.stream().allMatch(Part::passes);
  }

  /** Writes it into the exported folder. */
  public void write(Path folder) {
    var document = new LinkedHashMap<String, Object>();
    document.put("version", "1.0");
    document.put("reference", "the checkpoint, computed in fp32 on the same inputs");
    document.put("error", "max|exported - reference| / max|reference|");
    document.put("parts", parts.stream().map(ExportCheck::fields).toList());
    AtomicFile.write(folder.resolve(FILE), (IndentedJson.write(document) + "\n").getBytes(UTF_8));
  }

  private static Map<String, Object> fields(Part part) {
    var fields = new LinkedHashMap<String, Object>();
    fields.put("component", part.component());
    fields.put("part", part.part());
    fields.put("precision", part.precision().word());
    // JSON has no infinity, which a number too large for fp16 becomes.
    fields.put(
        "max_error",
        Double.isFinite(part.maxError()) ? part.maxError() : Double.toString(part.maxError()));
    fields.put("tolerance", part.precision().tolerance());
    fields.put("passes", part.passes());
    return fields;
  }
}
