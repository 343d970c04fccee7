package io.github.tpdiff.evaluation.experiment;

import io.github.tpdiff.evaluation.shapes.ShapeFeatures;
import io.github.tpdiff.runtime.video.VideoClip;
import java.util.List;

/**
 * A distance of what clips show of moving shapes, in {@link ShapeFeatures}.
 *
 * @param distance of sets of rows of {@link ShapeFeatures#COUNT} numbers
 */
public record ShapeDistance(RowDistance distance) implements ClipDistance {
  /** A distance of two sets of rows. */
  @FunctionalInterface
  public interface RowDistance {
    double between(double[][] real, double[][] made);
  }

  @Override
  public String name() {
    return "distance of shape features";
  }

  @Override
  public double between(List<VideoClip> real, List<VideoClip> made) {
    return distance.between(rows(real), rows(made));
  }

  private static double[][] rows(List<VideoClip> clips) {
    return clips.stream().map(ShapeFeatures::of).toArray(double[][]::new);
  }
}
