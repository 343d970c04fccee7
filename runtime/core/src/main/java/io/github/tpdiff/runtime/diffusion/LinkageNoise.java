package io.github.tpdiff.runtime.diffusion;

import static com.google.common.base.Preconditions.checkState;

import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;

/**
 * Noise n ~ N(0, R) of a whole grid, {@code R = σ² I − κ U Uᵀ} with {@code U = U_t ⊗ U_h ⊗ U_w},
 * drawn without a matrix of the grid: n is the symmetric square root of R times white noise.
 *
 * <p>Each axis is taken to the eigenvectors of its own U Uᵀ, where R is diagonal: at eigenvalues
 * λ_t, λ_h, λ_w it is {@code σ² − κ λ_t λ_h λ_w}. For nearest upsampling these vectors have no more
 * entries than a block has places, and all of it costs a few operations a value. Over time alone
 * the square root is a matrix of the frames, taken as it is.
 */
final class LinkageNoise {
  /** Relative rounding below which a negative variance counts as zero. */
  private static final double ROUNDING = 1e-9;

  private final double variance;
  private final double kept;
  private final GridMatrix up;
  private final Map<GridAxis, GramBasis> bases = new EnumMap<>(GridAxis.class);

  /**
   * @param variance σ²
   * @param kept κ
   * @param up U
   */
  LinkageNoise(double variance, double kept, GridMatrix up) {
    this.variance = variance;
    this.kept = kept;
    this.up = up;
    up.factors().forEach((axis, own) -> bases.put(axis, GramBasis.of(own)));
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

  /** R over the frames, where it is all there is of R. */
  Optional<StageNumbers.NoiseOverTime> overTime(int frames) {
    return isOverTimeAlone()
        ? Optional.of(
            new StageNumbers.NoiseOverTime(covariance(frames).toLists(), factor(frames).toLists()))
        : Optional.empty();
  }

  private boolean isOverTimeAlone() {
    return up.ofSpace().factors().isEmpty();
  }

  private AxisMatrix covariance(int frames) {
    AxisMatrix own = up.along(GridAxis.TIME, frames);
    return AxisMatrix.identity(frames).mix(variance, -kept, own.times(own.transpose()));
  }

  private AxisMatrix factor(int frames) {
    return new SymmetricEigen(covariance(frames)).squareRoot(variance);
  }

  /** n from white noise of the grid. */
  Latents apply(Latents white) {
    return isOverTimeAlone() ? factor(white.frames()).apply(white, GridAxis.TIME) : overGrid(white);
  }

  private Latents overGrid(Latents white) {
    Latents x = white;
    for (Map.Entry<GridAxis, GramBasis> axis : bases.entrySet()) {
      x = axis.getValue().vectors().transpose().apply(x, axis.getKey());
    }
    x = scaled(x);
    for (Map.Entry<GridAxis, GramBasis> axis : bases.entrySet()) {
      x = axis.getValue().vectors().apply(x, axis.getKey());
    }
    return x;
  }

  /** Every value times the square root of its variance, {@code σ² − κ λ_t λ_h λ_w}. */
  private Latents scaled(Latents x) {
    LatentShape shape = x.shape();
    Latents result = Latents.zeros(shape);
    int places = shape.frames() * shape.pixels();
    for (int place = 0; place < places; place++) {
      int pixel = place % shape.pixels();
      double lambda =
          eigenvalue(GridAxis.TIME, place / shape.pixels())
              * eigenvalue(GridAxis.HEIGHT, pixel / shape.width())
              * eigenvalue(GridAxis.WIDTH, pixel % shape.width());
      double own = variance - kept * lambda;
      checkState(own >= -ROUNDING * variance, "covariance: eigenvalue %s is negative", own);
      double factor = Math.sqrt(Math.max(0, own));
      for (int i = place; i < x.data().length; i += places) {
        result.data()[i] = (float) (factor * x.data()[i]);
      }
    }
    return result;
  }

  private double eigenvalue(GridAxis axis, int place) {
    return bases.containsKey(axis) ? bases.get(axis).values().get(place) : 1;
  }
}
