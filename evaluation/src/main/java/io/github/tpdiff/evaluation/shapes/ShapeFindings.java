package io.github.tpdiff.evaluation.shapes;

import io.github.tpdiff.runtime.video.VideoClip;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What a clip shows, measured, beside what its caption says. Lengths are in shorter sides; shares
 * of frames are of those in which the shape was found. Of a clip in which it is found in fewer than
 * three frames, nothing is known but the ground.
 *
 * @param found share of all frames in which one shape was found
 * @param rightColour share of frames in which its hue is nearest to the caption's colour
 * @param rightKind share of frames in which it is most like the caption's kind
 * @param radius mean
 * @param track how it moves; empty if nothing is known
 * @param stir mean change of what is behind it from frame to frame, in [0, 1]; 0 if it covers
 *     everything
 * @param groundLevel mean brightness of what is behind it, in [0, 1]
 * @param passed what of the caption holds
 */
public record ShapeFindings(
    double found,
    double rightColour,
    double rightKind,
    double radius,
    Optional<Motion> track,
    double stir,
    double groundLevel,
    Set<Check> passed) {
  /** Frames of a clip in which a shape may be hidden or in pieces. */
  private static final double FOUND = 0.9;

  private static final double MOST_OF = 0.8;

  /** Beside a word's range: what the edge of a shape costs at 64 pixels and in a codec. */
  private static final double SIZE_SHARE = 0.12;

  private static final double WAY_SHARE = 0.25;
  private static final double MOST_DEGREES = 20;
  private static final double MOST_WANDER = 0.02;
  private static final double MOST_JUMP = 0.05;
  private static final double MOST_STIR = 0.02;
  private static final int LEAST_PLACES = 3;

  /**
   * How a shape moves.
   *
   * @param way length
   * @param degrees between its first direction and the caption's
   * @param turns whether it turns back
   * @param wander root of the mean square distance from an even motion on a line, or there and back
   * @param jump the largest distance
   */
  public record Motion(double way, double degrees, boolean turns, double wander, double jump) {}

  public ShapeFindings {
    passed = Collections.unmodifiableSet(copy(passed));
  }

  private static Set<Check> copy(Set<Check> checks) {
    Set<Check> copy = EnumSet.noneOf(Check.class);
    copy.addAll(checks);
    return copy;
  }

  /** Measures a clip that was to show what a caption says. */
  public static ShapeFindings of(VideoClip clip, SceneWords words) {
    List<Optional<Blob>> blobs = Blob.find(clip);
    List<Blob> found = blobs.stream().flatMap(Optional::stream).toList();
    var ground = GroundFindings.of(clip, blobs);
    Optional<Track> track = track(blobs);
    double radius = found.stream().mapToDouble(Blob::radius).average().orElse(0);
    var raw =
        new ShapeFindings(
            (double) found.size() / clip.frames(),
            share(found, b -> colour(b) == words.colour()),
            share(found, b -> kind(b, clip) == words.kind()),
            radius,
            track.map(
                t ->
                    new Motion(
                        t.way(), t.degreesFrom(words.heading()), t.turns(), t.wander(), t.jump())),
            ground.stir(),
            ground.level(),
            Set.of());
    return raw.held(words);
  }

  /** Empty where it is found in too few frames. */
  static Optional<Track> track(List<Optional<Blob>> blobs) {
    var places = new ArrayList<Track.Place>();
    for (int i = 0; i < blobs.size(); i++) {
      double share = i / Math.max(1, blobs.size() - 1.0);
      blobs.get(i).ifPresent(b -> places.add(new Track.Place(share, b.x(), b.y())));
    }
    return places.size() < LEAST_PLACES ? Optional.empty() : Optional.of(Track.of(places));
  }

  private static ShapeColour colour(Blob blob) {
    return ShapeColour.nearest(blob.colour()[0], blob.colour()[1], blob.colour()[2]);
  }

  private static ShapeKind kind(Blob blob, VideoClip clip) {
    Map<ShapeKind, Double> likeness = new EnumMap<>(ShapeKind.class);
    for (ShapeKind kind : ShapeKind.values()) {
      likeness.put(kind, blob.likeness(kind, clip.width(), clip.height()));
    }
    return Collections.max(likeness.entrySet(), Map.Entry.comparingByValue()).getKey();
  }

  private interface Claim {
    boolean holds(Blob blob);
  }

  private static double share(List<Blob> blobs, Claim claim) {
    return blobs.stream().mapToDouble(blob -> claim.holds(blob) ? 1 : 0).average().orElse(0);
  }

  /** The same with what holds of a caption. */
  private ShapeFindings held(SceneWords words) {
    Set<Check> holds = EnumSet.noneOf(Check.class);
    holds(holds, Check.FOUND, found >= FOUND);
    holds(holds, Check.STILL, stir <= MOST_STIR);
    holds(holds, Check.GROUND, Ground.nearest(groundLevel) == words.ground());
    if (track.isPresent()) {
      Motion motion = track.get();
      holds(holds, Check.COLOUR, rightColour >= MOST_OF);
      holds(holds, Check.KIND, rightKind >= MOST_OF);
      holds(holds, Check.SIZE, Extent.radius(words.size()).holds(radius, SIZE_SHARE));
      holds(holds, Check.HEADING, motion.degrees() <= MOST_DEGREES);
      holds(holds, Check.PACE, Extent.way(words.pace()).holds(motion.way(), WAY_SHARE));
      holds(holds, Check.TRACK, motion.wander() <= MOST_WANDER && motion.jump() <= MOST_JUMP);
      holds(holds, Check.BOUNCE, motion.turns() == words.bounces());
    }
    return new ShapeFindings(
        found, rightColour, rightKind, radius, track, stir, groundLevel, holds);
  }

  private static void holds(Set<Check> all, Check check, boolean passes) {
    if (passes) {
      all.add(check);
    }
  }

  /** Share of the checks that hold, in [0, 1]. */
  public double score() {
    return (double) passed.size() / Check.values().length;
  }
}
