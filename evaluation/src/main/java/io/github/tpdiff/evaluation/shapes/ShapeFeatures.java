package io.github.tpdiff.evaluation.shapes;

import io.github.tpdiff.runtime.video.VideoClip;
import java.util.List;
import java.util.Optional;

/**
 * A clip of a moving shape in a few numbers, for distances of sets: what a network's features are
 * to films. Each is of the order of 1.
 */
public final class ShapeFeatures {
  /** As large a share of a frame as everything else: a radius is a tenth of a side. */
  private static final double OF_RADIUS = 5;

  private ShapeFeatures() {}

  /**
   * Share of frames in which a shape is found; its mean place and colour; its way to the right and
   * downwards, and where it turns; its radius; brightness and stir of what is behind it. What is
   * not known of a clip without a shape is 0.
   */
  public static double[] of(VideoClip clip) {
    List<Optional<Blob>> blobs = Blob.find(clip);
    List<Blob> found = blobs.stream().flatMap(Optional::stream).toList();
    var ground = GroundFindings.of(clip, blobs);
    Optional<Track> track = ShapeFindings.track(blobs);
    return new double[] {
      (double) found.size() / clip.frames(),
      found.stream().mapToDouble(Blob::x).average().orElse(0),
      found.stream().mapToDouble(Blob::y).average().orElse(0),
      OF_RADIUS * found.stream().mapToDouble(Blob::radius).average().orElse(0),
      found.stream().mapToDouble(blob -> blob.colour()[0]).average().orElse(0),
      found.stream().mapToDouble(blob -> blob.colour()[1]).average().orElse(0),
      found.stream().mapToDouble(blob -> blob.colour()[2]).average().orElse(0),
      track.map(Track::across).orElse(0.0),
      track.map(Track::down).orElse(0.0),
      track.map(Track::turn).orElse(0.0),
      ground.level(),
      ground.stir()
    };
  }
}
