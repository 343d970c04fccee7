package io.github.tpdiff.evaluation.shapes;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.runtime.video.VideoClip;
import io.github.tpdiff.runtime.video.VideoFormat;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * A data set of moving shapes. Every clip is a function of the seed and of its number alone, so a
 * larger set begins with the clips of a smaller one.
 *
 * @param clips how many
 * @param width in pixels, even
 * @param height in pixels, even
 * @param frames of every clip
 * @param fps frames per second
 * @param seed of everything random
 * @param words that scenes are made of
 */
public record ShapeSet(
    int clips, int width, int height, int frames, double fps, long seed, SceneVocabulary words) {
  /** Below, the smallest shapes are less than three pixels wide and have no kind. */
  private static final int LEAST_SIDE = 32;

  private static final int MOST_SIDE = 4096;
  private static final int MOST_CLIPS = 10_000_000;

  /** What clips and captions of one number have in common, whatever draws them. */
  private static final long STRIDE = 0x9E3779B97F4A7C15L;

  /**
   * @throws IllegalArgumentException if a number is out of range
   */
  public ShapeSet {
    checkArgument(
        clips >= 1 && clips <= MOST_CLIPS, "clips: expected 1 to %s, found %s", MOST_CLIPS, clips);
    checkArgument(
        Math.min(width, height) >= LEAST_SIDE && Math.max(width, height) <= MOST_SIDE,
        "size: expected sides of %s to %s pixels, found %sx%s",
        LEAST_SIDE,
        MOST_SIDE,
        width,
        height);
    checkArgument(frames >= 4 && frames <= 10_000, "frames: expected 4 to 10000, found %s", frames);
    var unused = new VideoFormat(width, height, fps); // refuses what no file can have
    words = orAll(words);
  }

  /** Of files from before there was a choice, too. */
  private static SceneVocabulary orAll(@Nullable SceneVocabulary given) {
    return given == null ? SceneVocabulary.all() : given;
  }

  /** Of all words. */
  public ShapeSet(int clips, int width, int height, int frames, double fps, long seed) {
    this(clips, width, height, frames, fps, seed, SceneVocabulary.all());
  }

  /** As many clips of the same scenes and more, or the first of them. */
  public ShapeSet withClips(int count) {
    return new ShapeSet(count, width, height, frames, fps, seed, words);
  }

  /** The truth of a clip. */
  public Scene scene(int clip) {
    checkArgument(clip >= 0 && clip < clips, "clip: expected 0 to %s, found %s", clips - 1, clip);
    double side = Math.min(width, height);
    var random = new SplittableRandom(new SplittableRandom(seed + STRIDE * clip).nextLong());
    return Scene.draw(random, words, width / side, height / side);
  }

  /** The clip, as drawn. */
  public VideoClip clip(int clip) {
    return scene(clip).clip(width, height, frames, fps);
  }
}
