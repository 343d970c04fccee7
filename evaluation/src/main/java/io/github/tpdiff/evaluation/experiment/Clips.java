package io.github.tpdiff.evaluation.experiment;

import io.github.tpdiff.evaluation.metric.FrechetDistance;
import io.github.tpdiff.evaluation.metric.FrechetDistance.Covariance;
import io.github.tpdiff.evaluation.shapes.Check;
import io.github.tpdiff.evaluation.shapes.SceneWords;
import io.github.tpdiff.evaluation.shapes.ShapeFeatures;
import io.github.tpdiff.evaluation.shapes.ShapeFindings;
import io.github.tpdiff.evaluation.shapes.ShapeSet;
import io.github.tpdiff.lora.data.SourceList;
import io.github.tpdiff.lora.data.SourceVideo;
import io.github.tpdiff.runtime.media.VideoReader;
import io.github.tpdiff.runtime.video.VideoClip;
import io.github.tpdiff.weights.AtomicFile;
import io.github.tpdiff.weights.CheckpointException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.ejml.data.DMatrixRMaj;

/**
 * What is generated at every point, and how that is judged.
 *
 * @param prompts a caption for each clip
 * @param real clips of these captions, where they are drawn
 */
record Clips(List<String> prompts, Optional<ShapeSet> real) {
  Clips {
    prompts = List.copyOf(prompts);
  }

  /**
   * Of a plan: of shapes the scenes after those that are trained on, else the first captions of the
   * data.
   *
   * @param data the folder or list that is trained on
   */
  static Clips of(Plan plan, Path data) {
    int count = plan.quality().clips();
    if (plan.data().shapes().isPresent()) {
      ShapeSet trained = plan.data().shapes().get();
      ShapeSet all = trained.withClips(trained.clips() + count);
      return new Clips(
          IntStream.range(trained.clips(), all.clips())
              .mapToObj(clip -> all.scene(clip).words().caption())
              .toList(),
          Optional.of(all));
    }
    List<String> captions =
        SourceList.read(data).videos().stream()
            .map(SourceVideo::caption)
            .flatMap(Optional::stream)
            .map(text -> text.replaceAll("\\s+", " ").replace("--", "-").strip())
            .filter(text -> !text.isEmpty() && text.charAt(0) != '#')
            .limit(count)
            .toList();
    if (captions.isEmpty()) {
      throw new CheckpointException(
          "%s: expected captions to generate clips from, found none".formatted(data));
    }
    return new Clips(captions, Optional.empty());
  }

  void writePrompts(Path file) {
    AtomicFile.write(file, (String.join("\n", prompts) + "\n").getBytes(StandardCharsets.UTF_8));
  }

  /**
   * Judges clips, one for each prompt.
   *
   * @param files of them
   */
  Map<String, Double> judge(List<Path> files) {
    List<VideoClip> made = files.stream().map(Clips::read).toList();
    var measures = new LinkedHashMap<String, Double>();
    if (real.isEmpty()) {
      return measures;
    }
    var findings = new ArrayList<ShapeFindings>();
    for (int i = 0; i < made.size(); i++) {
      SceneWords words = SceneWords.find(prompts.get(i)).orElseThrow();
      findings.add(ShapeFindings.of(made.get(i), words));
    }
    measures.put(Measure.SCORE.name(), mean(findings.stream().map(ShapeFindings::score).toList()));
    measures.put(
        Measure.ALL.name(),
        mean(
            findings.stream()
                .map(f -> f.passed().size() == Check.values().length ? 1.0 : 0.0)
                .toList()));
    for (Check check : Check.values()) {
      measures.put(
          Measure.check(check.name().toLowerCase(Locale.ROOT)),
          mean(findings.stream().map(f -> f.passed().contains(check) ? 1.0 : 0.0).toList()));
    }
    measures.put(
        Measure.DISTANCE.name(),
        FrechetDistance.of(rows(realClips(made)), rows(made)).value(Covariance.UNBIASED));
    return measures;
  }

  /** Of the frames that the generated ones have: the same scenes in the same time. */
  private List<VideoClip> realClips(List<VideoClip> made) {
    ShapeSet all = real.orElseThrow();
    VideoClip first = made.get(0);
    var own =
        new ShapeSet(
            all.clips(),
            first.width(),
            first.height(),
            first.frames(),
            first.fps(),
            all.seed(),
            all.words());
    int from = all.clips() - prompts.size();
    return IntStream.range(from, all.clips()).mapToObj(own::clip).toList();
  }

  private static DMatrixRMaj rows(List<VideoClip> clips) {
    return new DMatrixRMaj(clips.stream().map(ShapeFeatures::of).toArray(double[][]::new));
  }

  private static double mean(List<Double> values) {
    return values.stream().mapToDouble(Double::doubleValue).average().orElseThrow();
  }

  private static VideoClip read(Path file) {
    try {
      return VideoReader.readAll(file);
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }
}
