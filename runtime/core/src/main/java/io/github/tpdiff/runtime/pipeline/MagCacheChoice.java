package io.github.tpdiff.runtime.pipeline;

import io.github.tpdiff.runtime.diffusion.MagCache;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Which predictions are taken from earlier steps, as of {@link MagCache}; what is left open is
 * usual.
 *
 * @param file a calibration of the model at the steps that are made
 * @param threshold as of {@link MagCache.Limits}
 * @param mostInARow as of {@link MagCache.Limits}
 * @param retention as of {@link MagCache.Limits}
 */
public record MagCacheChoice(
    Path file,
    Optional<Double> threshold,
    Optional<Integer> mostInARow,
    Optional<Double> retention) {

  /** The usual limits. */
  public static MagCacheChoice of(Path file) {
    return new MagCacheChoice(file, Optional.empty(), Optional.empty(), Optional.empty());
  }

  /** The same with the file of another place. */
  public MagCacheChoice at(Path place) {
    return new MagCacheChoice(place, threshold, mostInARow, retention);
  }

  /**
   * When a prediction is left out.
   *
   * @throws IllegalArgumentException if a value is out of range
   */
  public MagCache.Limits limits() {
    MagCache.Limits usual = MagCache.Limits.usual();
    return new MagCache.Limits(
        threshold.orElse(usual.threshold()),
        mostInARow.orElse(usual.mostInARow()),
        retention.orElse(usual.retention()));
  }
}
