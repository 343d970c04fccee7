package io.github.tpdiff.runtime.diffusion;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Noise n ~ N(0, R) of a whole grid, {@code R = σ² I − κ U Uᵀ} with {@code U = U_t ⊗ U_h ⊗ U_w},
 * drawn without a matrix of the grid.
 *
 * <p>Rows and columns are taken to the eigenvectors of U_hU_hᵀ and U_wU_wᵀ, where R falls apart: at
 * eigenvalues with the product μ it is {@code σ² I − κ μ U_tU_tᵀ} over the frames, of which the
 * symmetric square root is taken. For nearest upsampling μ is the size of a block or 0, and all of
 * it costs a few operations a value.
 */
final class LinkageNoise {
  private static final double ROUNDING = 1e-9;

  private final double variance;
  private final double kept;
  private final Optional<AxisMatrix> timeGram;
  private final Map<GridAxis, GramBasis> space;

  /**
   * @param variance σ²
   * @param kept κ
   * @param up U
   */
  LinkageNoise(double variance, double kept, GridMatrix up) {
    this.variance = variance;
    this.kept = kept;
    this.timeGram = up.along(GridAxis.TIME).map(own -> own.times(own.transpose()));
    this.space = new TreeMap<>();
    for (GridAxis axis : GridAxis.OF_SPACE) {
      up.along(axis).ifPresent(own -> space.put(axis, GramBasis.of(own)));
    }
  }

  /** The largest eigenvalue λ of U Uᵀ. */
  static double largestEigenvalue(GridMatrix up) {
    double time =
        up.along(GridAxis.TIME)
            .map(own -> new SymmetricEigen(own.times(own.transpose())).largest())
            .orElse(1.0);
    double space = 1;
    for (GridAxis axis : GridAxis.OF_SPACE) {
      space *= up.along(axis).map(own -> GramBasis.of(own).largest()).orElse(1.0);
    }
    return time * space;
  }

  /** σ² of the noise of a place on its own. */
  double variance() {
    return variance;
  }

  /** κ, the variance that U Uᵀ multiplies. */
  double kept() {
    return kept;
  }

  /** R over the frames where rows and columns have the eigenvalue product μ. */
  AxisMatrix covariance(int frames, double mu) {
    AxisMatrix identity = AxisMatrix.identity(frames);
    return identity.mix(variance, -kept * mu, timeGram.orElse(identity));
  }

  /** R over the frames, where it is all there is of R. */
  Optional<StageNumbers.NoiseOverTime> overTime(int frames) {
    return space.isEmpty()
        ? Optional.of(
            new StageNumbers.NoiseOverTime(
                covariance(frames, 1).toLists(), factor(frames, 1).toLists()))
        : Optional.empty();
  }

  /** n from white noise of the grid. */
  Latents apply(Latents white) {
    Latents x = white;
    for (GridAxis axis : space.keySet()) {
      x = space.get(axis).vectors().transpose().apply(x, axis);
    }
    x = overFrames(x);
    for (GridAxis axis : space.keySet()) {
      x = space.get(axis).vectors().apply(x, axis);
    }
    return x;
  }

  private Latents overFrames(Latents x) {
    int frames = x.frames();
    Map<Double, List<Integer>> pixels = pixels(x.shape());
    if (pixels.size() == 1) {
      return factor(frames, pixels.keySet().iterator().next()).apply(x, GridAxis.TIME);
    }
    Latents result = Latents.zeros(x.shape());
    pixels.forEach((mu, own) -> gather(factor(frames, mu), own, x, result));
    return result;
  }

  private AxisMatrix factor(int frames, double mu) {
    return new SymmetricEigen(covariance(frames, mu)).squareRoot(variance);
  }

  /** The pixels of a frame by their μ; what differs by rounding alone counts as equal. */
  private Map<Double, List<Integer>> pixels(LatentShape shape) {
    var pixels = new TreeMap<Double, List<Integer>>();
    for (int row = 0; row < shape.height(); row++) {
      for (int column = 0; column < shape.width(); column++) {
        double mu = eigenvalue(GridAxis.HEIGHT, row) * eigenvalue(GridAxis.WIDTH, column);
        Double above = pixels.ceilingKey(mu - ROUNDING);
        double key = above != null && above <= mu + ROUNDING ? above : mu;
        pixels.computeIfAbsent(key, k -> new ArrayList<>()).add(row * shape.width() + column);
      }
    }
    return pixels;
  }

  private double eigenvalue(GridAxis axis, int place) {
    return space.containsKey(axis) ? space.get(axis).values()[place] : 1;
  }

  private static void gather(AxisMatrix factor, List<Integer> pixels, Latents x, Latents result) {
    LatentShape shape = x.shape();
    var own = new LatentShape(shape.batch(), shape.channels(), shape.frames(), 1, pixels.size());
    Latents some = Latents.zeros(own);
    int all = shape.pixels();
    int planes = x.data().length / all;
    for (int plane = 0; plane < planes; plane++) {
      for (int p = 0; p < pixels.size(); p++) {
        some.data()[plane * pixels.size() + p] = x.data()[plane * all + pixels.get(p)];
      }
    }
    Latents done = factor.apply(some, GridAxis.TIME);
    for (int plane = 0; plane < planes; plane++) {
      for (int p = 0; p < pixels.size(); p++) {
        result.data()[plane * all + pixels.get(p)] = done.data()[plane * pixels.size() + p];
      }
    }
  }
}
