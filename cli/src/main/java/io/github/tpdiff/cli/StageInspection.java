package io.github.tpdiff.cli;

import io.github.tpdiff.runtime.diffusion.GridFactor;
import io.github.tpdiff.runtime.diffusion.PositionRules;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.diffusion.StageConfig.Ends;
import io.github.tpdiff.runtime.diffusion.StageConfig.Targets;
import io.github.tpdiff.runtime.diffusion.Words;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/** The stages that weights were made for, as {@code tpdiff inspect} tells them. */
public final class StageInspection {
  private StageInspection() {}

  /** As fields, for JSON. */
  public static Map<String, Object> fields(StageConfig stages) {
    var fields = new LinkedHashMap<String, Object>();
    fields.put("count", stages.stages());
    fields.put("rates", stages.rates().stream().map(StageInspection::rate).toList());
    fields.put("boundaries", stages.boundaries());
    fields.put("targets", Words.of(stages.targets()));
    fields.put("positions", stages.positions().toString());
    fields.put("ends", Words.of(stages.ends()));
    return fields;
  }

  private static Object rate(GridFactor rates) {
    return rates.isOfTimeAlone()
        ? rates.time()
        : List.of(rates.time(), rates.height(), rates.width());
  }

  /** As a line for people, from the fields. */
  public static String line(Map<?, ?> fields) {
    if (Integer.valueOf(1).equals(fields.get("count"))) {
      return "1, which is vanilla";
    }
    List<?> rates = listed(fields, "rates");
    boolean ofTimeAlone = rates.stream().allMatch(Integer.class::isInstance);
    List<?> boundaries = listed(fields, "boundaries");
    String line =
        "%s, each at %s times the %s of the one before, %s"
            .formatted(
                fields.get("count"),
                words(rates),
                ofTimeAlone ? "frame rate" : "frames, rows and columns",
                boundaries.isEmpty()
                    ? "in equal parts of the schedule"
                    : "from times " + times(boundaries));
    boolean usual =
        ofTimeAlone
            && Words.of(Targets.LATENT).equals(fields.get("targets"))
            && PositionRules.scaled().toString().equals(fields.get("positions"));
    String how =
        usual
            ? ""
            : "; targets %s, positions %s"
                .formatted(fields.get("targets"), fields.get("positions"));
    return line + how + (Words.of(Ends.CLEAN).equals(fields.get("ends")) ? "; ends clean" : "");
  }

  private static List<?> listed(Map<?, ?> fields, String key) {
    return fields.get(key) instanceof List<?> list ? list : List.of();
  }

  private static String times(List<?> boundaries) {
    return boundaries.stream()
        .map(
            time ->
                time instanceof Number number
                    ? String.format(Locale.ROOT, "%.4f", number.doubleValue())
                    : String.valueOf(time))
        .collect(Collectors.joining(", "));
  }

  private static String words(List<?> values) {
    return values.stream().map(String::valueOf).collect(Collectors.joining(", "));
  }
}
