package io.github.tpdiff.runtime.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;

/**
 * What sampling returns with networks that were trained to perfection on Gaussian clips: the exact
 * law, without any training.
 *
 * <p>The networks are the best predictors of the training examples that the production code makes:
 * an example is linear in the clip and the noise, so a run of it over unit vectors (one in each
 * pixel) gives the matrices of its input and of its target, and from them the conditional mean.
 * Sampling with these predictors is linear in the noise that is drawn; a run over unit vectors
 * gives that map, and from it the covariance of the output. The oracle is the law of the clips
 * alone: examples and sampler that do not belong together miss it.
 */
final class GaussianOracle {
  private final StagePlan plan;
  private final DMatrixRMaj data;

  /** Clips with covariance ρ^|i−j| over time. */
  GaussianOracle(StagePlan plan, double rho) {
    this.plan = plan;
    int n = plan.frames();
    data = new DMatrixRMaj(n, n);
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < n; j++) {
        data.set(i, j, Math.pow(rho, Math.abs(i - j)));
      }
    }
  }

  /** max |C − Σ| of the output's covariance C against the data's Σ, whose largest entry is 1. */
  double covarianceError(Sampler sampler, int stepsPerStage) {
    var steps = plan.stages().stream().map(stage -> stepsPerStage).toList();
    var staged = new StagedSampler(plan, sampler, steps);
    int columns = draws(staged);
    Latents map =
        staged.sample(
            new LatentShape(1, 1, plan.frames(), 1, columns),
            this::predict,
            unitVectors(columns),
            StageListener.silent());
    DMatrixRMaj output = new DMatrixRMaj(plan.frames(), columns);
    for (int i = 0; i < output.getNumElements(); i++) {
      output.set(i, map.data()[i]);
    }
    DMatrixRMaj input = CommonOps_DDRM.identity(columns);
    CommonOps_DDRM.insert(startCovariance(), input, 0, 0);
    DMatrixRMaj difference = sandwich(output, input);
    CommonOps_DDRM.subtractEquals(difference, data);
    return CommonOps_DDRM.elementMaxAbs(difference);
  }

  /** The frames of all noise that is drawn: the stages' own, and a stochastic sampler's. */
  private int draws(StagedSampler staged) {
    int[] frames = {0};
    staged.sample(
        new LatentShape(1, 1, plan.frames(), 1, 1),
        (x, timestep, positions) -> x,
        shape -> {
          frames[0] += shape.frames();
          return Latents.zeros(shape);
        },
        StageListener.silent());
    return frames[0];
  }

  /** Draw i holds the unit vectors of the i-th block of columns. */
  private static NoiseSource unitVectors(int columns) {
    int[] drawn = {0};
    return shape -> {
      Latents units = units(shape.frames(), columns, drawn[0]);
      drawn[0] += shape.frames();
      return units;
    };
  }

  /** The law of stage K's start, as training has it. */
  private DMatrixRMaj startCovariance() {
    Stage stage = plan.stages().get(0);
    Example example = example(stage, stage.start());
    return covariance(example.input());
  }

  /** E[target | input]: the network that training to perfection would give. */
  Latents predict(Latents x, double timestep, int[] positions) {
    Stage stage = plan.stages().get(index(x.frames()));
    for (int n = 0; n < positions.length; n++) {
      assertThat(positions[n]).isEqualTo(n * stage.stride());
    }
    double time = plan.schedule().form().time(timestep);
    // There and back may leave the stage by a rounding.
    Example example = example(stage, Math.min(Math.max(time, stage.end()), stage.start()));
    assertThat(example.timestep()).isCloseTo(timestep, within(1e-9));
    DMatrixRMaj inverse = new DMatrixRMaj(stage.frames(), stage.frames());
    CommonOps_DDRM.invert(covariance(example.input()), inverse);
    Part input = example.input();
    Part target = example.target();
    DMatrixRMaj cross = product(product(target.clip(), data), transposed(input.clip()));
    CommonOps_DDRM.addEquals(cross, product(target.noise(), transposed(input.noise())));
    return multiply(product(cross, inverse), x);
  }

  /** A clip's and a noise's matrices: {@code clip · x_0 + noise · ε}. */
  private record Part(DMatrixRMaj clip, DMatrixRMaj noise) {}

  private record Example(Part input, Part target, double timestep) {}

  private DMatrixRMaj covariance(Part part) {
    DMatrixRMaj covariance = sandwich(part.clip(), data);
    CommonOps_DDRM.addEquals(covariance, product(part.noise(), transposed(part.noise())));
    return covariance;
  }

  /** The production code's own example, over unit vectors: the clip's first, then the noise's. */
  private Example example(Stage stage, double time) {
    int clips = plan.frames();
    int columns = clips + stage.frames();
    Latents clip = units(clips, columns, 0);
    Latents noise = units(stage.frames(), columns, clips);
    TrainingExample made = plan.example(stage, time, clip, noise);
    return new Example(part(made.input()), part(made.target()), made.timestep());
  }

  private static Latents units(int frames, int columns, int first) {
    Latents units = Latents.zeros(new LatentShape(1, 1, frames, 1, columns));
    for (int f = 0; f < frames; f++) {
      units.data()[f * columns + first + f] = 1;
    }
    return units;
  }

  private Part part(Latents made) {
    int columns = made.shape().width();
    DMatrixRMaj all = new DMatrixRMaj(made.frames(), columns);
    for (int i = 0; i < all.getNumElements(); i++) {
      all.set(i, made.data()[i]);
    }
    int clips = plan.frames();
    return new Part(
        CommonOps_DDRM.extract(all, 0, all.numRows, 0, clips),
        CommonOps_DDRM.extract(all, 0, all.numRows, clips, columns));
  }

  private int index(int frames) {
    for (int i = 0; i < plan.stages().size(); i++) {
      if (plan.stages().get(i).frames() == frames) {
        return i;
      }
    }
    throw new AssertionError("no stage of " + frames + " frames");
  }

  private static Latents multiply(DMatrixRMaj matrix, Latents x) {
    int pixels = x.shape().pixels();
    Latents result = Latents.zeros(x.shape());
    for (int i = 0; i < matrix.numRows; i++) {
      for (int p = 0; p < pixels; p++) {
        double sum = 0;
        for (int j = 0; j < matrix.numCols; j++) {
          sum += matrix.get(i, j) * x.data()[j * pixels + p];
        }
        result.data()[i * pixels + p] = (float) sum;
      }
    }
    return result;
  }

  static DMatrixRMaj product(DMatrixRMaj left, DMatrixRMaj right) {
    var product = new DMatrixRMaj(left.numRows, right.numCols);
    CommonOps_DDRM.mult(left, right, product);
    return product;
  }

  static DMatrixRMaj transposed(DMatrixRMaj matrix) {
    return CommonOps_DDRM.transpose(matrix, null);
  }

  /** left · middle · leftᵀ. */
  static DMatrixRMaj sandwich(DMatrixRMaj left, DMatrixRMaj middle) {
    return product(product(left, middle), transposed(left));
  }
}
