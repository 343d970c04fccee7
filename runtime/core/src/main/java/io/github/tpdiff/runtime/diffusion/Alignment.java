package io.github.tpdiff.runtime.diffusion;

import static com.google.common.base.Preconditions.checkArgument;

import java.util.ArrayList;
import java.util.List;
import java.util.function.LongFunction;

/**
 * Data–noise alignment: which noise each clip of a window is trained with (paper section 3.3).
 *
 * <p>Among all permutations π the one that minimises {@code Σ‖x_i − ε_π(i)‖²}, which is to say
 * maximises {@code Σ⟨x_i, ε_π(i)⟩}. Only the seeds of the noises are kept. A window of one changes
 * nothing, so at batch size 1 the window must reach over upcoming clips.
 *
 * <p>Over all clips together the noise stays N(0, I); given the clip it does not. So clips are
 * aligned with others that the network is told the same about: then the noise given what it is told
 * stays N(0, I) too, which is what sampling starts from (Cheng & Schwing 2025, arXiv 2503.10636).
 *
 * @param reach over what to permute
 * @param window clips in a window, where {@code reach} is {@link Reach#WINDOW}
 */
public record Alignment(Reach reach, int window) {
  /** The window that is used when none is chosen. */
  public static final int DEFAULT_WINDOW = 64;

  /** Over what noises are permuted. */
  public enum Reach {
    /** Nothing: every clip keeps its noise. */
    NONE,
    /** The clips of one training batch. */
    BATCH,
    /** A window of upcoming clips. */
    WINDOW
  }

  /**
   * @throws IllegalArgumentException if the window is not positive
   */
  public Alignment {
    checkArgument(window >= 1, "alignment.window: at least 1, found %s", window);
  }

  /** No alignment. */
  public static Alignment none() {
    return new Alignment(Reach.NONE, 1);
  }

  /** Within a batch. */
  public static Alignment batch() {
    return new Alignment(Reach.BATCH, 1);
  }

  /** Within a window of so many clips. */
  public static Alignment window(int clips) {
    return new Alignment(Reach.WINDOW, clips);
  }

  /** How many clips are to be aligned together at a batch size. */
  public int clips(int batchSize) {
    return switch (reach) {
      case NONE -> 1;
      case BATCH -> batchSize;
      case WINDOW -> Math.max(window, batchSize);
    };
  }

  /**
   * The seed of each clip's noise: a permutation of {@code seeds}.
   *
   * @param clips clean latents at the stage's frame count, all of one shape
   * @param seeds as many
   * @param noise the noise of a seed, at the clips' shape; made one at a time
   * @throws IllegalArgumentException if there are not as many seeds as clips
   */
  public List<Long> align(List<Latents> clips, List<Long> seeds, LongFunction<Latents> noise) {
    checkArgument(
        clips.size() == seeds.size(),
        "alignment: expected a seed for each of %s clips, found %s",
        clips.size(),
        seeds.size());
    if (reach == Reach.NONE || clips.size() < 2) {
      return List.copyOf(seeds);
    }
    double[][] cost = new double[clips.size()][clips.size()];
    for (int j = 0; j < seeds.size(); j++) {
      Latents drawn = noise.apply(seeds.get(j));
      for (int i = 0; i < clips.size(); i++) {
        cost[i][j] = -clips.get(i).dot(drawn);
      }
    }
    var aligned = new ArrayList<Long>();
    for (int column : Assignment.minimise(cost)) {
      aligned.add(seeds.get(column));
    }
    return List.copyOf(aligned);
  }
}
