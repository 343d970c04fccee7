package io.github.tpdiff.evaluation.metric;

import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/**
 * A video with all that was read of it.
 *
 * @param file where it lies
 * @param sha256 of its bytes
 * @param caption what it shows, if that is known
 * @param facts its size and rate
 * @param rows of each extractor, by its identity
 */
public record MeasuredVideo(
    Path file,
    String sha256,
    Optional<String> caption,
    VideoFacts facts,
    Map<String, FeatureRows> rows) {
  public MeasuredVideo {
    rows = Map.copyOf(rows);
  }

  /** What an extractor made of it. */
  public FeatureRows rows(FeatureExtractor extractor) {
    return Optional.ofNullable(rows.get(extractor.identity()))
        .orElseThrow(() -> new IllegalStateException("nobody asked for " + extractor.identity()));
  }
}
