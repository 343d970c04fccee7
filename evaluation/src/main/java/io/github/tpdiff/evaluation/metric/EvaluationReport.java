package io.github.tpdiff.evaluation.metric;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.tpdiff.evaluation.metric.Bootstrap.Interval;
import io.github.tpdiff.evaluation.metric.EvaluationResult.DistanceResult;
import io.github.tpdiff.evaluation.metric.EvaluationResult.MeasureResult;
import io.github.tpdiff.evaluation.metric.EvaluationResult.SetResult;
import io.github.tpdiff.evaluation.metric.EvaluationResult.VideoResult;
import io.github.tpdiff.evaluation.metric.FrechetDistance.Covariance;
import io.github.tpdiff.runtime.diffusion.Words;
import io.github.tpdiff.weights.AtomicFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * An evaluation as files: {@code evaluation.json} with every number, and {@code evaluation.html} to
 * read.
 *
 * @param result what came of it
 */
public record EvaluationReport(EvaluationResult result) {
  /** Every number. */
  public static final String JSON_FILE = "evaluation.json";

  /** A page that needs nothing beside it. */
  public static final String HTML_FILE = "evaluation.html";

  /** Of the JSON's fields; raised when one changes its meaning. */
  private static final int VERSION = 1;

  private static final JsonMapper JSON =
      JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

  /** Writes both files; whatever interrupts it, each is the old or the new whole one. */
  public void write(Path folder) {
    AtomicFile.write(folder.resolve(JSON_FILE), json().getBytes(StandardCharsets.UTF_8));
    AtomicFile.write(
        folder.resolve(HTML_FILE),
        new EvaluationPage(result).html().getBytes(StandardCharsets.UTF_8));
  }

  /** The result as JSON. */
  String json() {
    Map<String, Object> root = new LinkedHashMap<>();
    root.put("version", VERSION);
    root.put("resamples", result.bootstrap().resamples());
    root.put("seed", result.bootstrap().seed());
    root.put("distances", result.distances().stream().map(EvaluationReport::distance).toList());
    root.put("sets", result.sets().stream().map(EvaluationReport::set).toList());
    root.put("cautions", result.cautions());
    try {
      return JSON.writeValueAsString(root) + "\n";
    } catch (JsonProcessingException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  private static Map<String, Object> distance(DistanceResult result) {
    Map<String, Object> values = new LinkedHashMap<>();
    for (Covariance covariance : Covariance.values()) {
      values.put(Words.of(covariance), result.distance().value(covariance));
    }
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("name", result.of().name());
    fields.put("made_of", result.of().note());
    fields.put("features", result.of().features().identity());
    fields.put("values", values);
    result.interval().ifPresent(interval -> fields.put("interval_of_unbiased", pair(interval)));
    fields.put("mean_term", result.distance().meanTerm());
    fields.put("dimensions", result.distance().dimensions());
    fields.put("rows", List.of(result.distance().first(), result.distance().second()));
    fields.put("videos", List.of(result.generated(), result.real()));
    fields.put("cautions", result.cautions());
    return fields;
  }

  private static Map<String, Object> set(SetResult result) {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("name", result.set().name());
    fields.put("source", result.set().source().toString());
    fields.put("found", result.set().videos().size());
    fields.put("read", result.videos().size());
    fields.put(
        "left_out",
        result.leftOut().stream()
            .map(each -> Map.of("file", each.file().toString(), "reason", each.reason()))
            .map(TreeMap::new)
            .toList());
    fields.put("measures", result.measures().stream().map(EvaluationReport::measure).toList());
    fields.put("videos", result.videos().stream().map(EvaluationReport::video).toList());
    return fields;
  }

  private static Map<String, Object> measure(MeasureResult result) {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("name", result.measure().name());
    fields.put("better", Words.of(result.measure().better()));
    fields.put("note", result.measure().note());
    fields.put(
        "features", result.measure().needs().stream().map(FeatureExtractor::identity).toList());
    result.value().ifPresent(value -> fields.put("value", value));
    result.interval().ifPresent(interval -> fields.put("interval", pair(interval)));
    fields.put("videos", result.videos());
    return fields;
  }

  private static List<Double> pair(Interval interval) {
    return List.of(interval.low(), interval.high());
  }

  private static Map<String, Object> video(VideoResult video) {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("file", video.file().toString());
    fields.put("sha256", video.sha256());
    Optional<String> caption = video.caption();
    caption.ifPresent(text -> fields.put("caption", text));
    fields.put("frames", video.facts().frames());
    fields.put("width", video.facts().width());
    fields.put("height", video.facts().height());
    fields.put("fps", video.facts().fps());
    Map<String, Object> values = new LinkedHashMap<>();
    video.values().forEach((name, value) -> values.put(name, value.value()));
    fields.put("values", values);
    return fields;
  }
}
