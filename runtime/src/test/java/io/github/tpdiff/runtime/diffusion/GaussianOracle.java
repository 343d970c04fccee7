package io.github.tpdiff.runtime.diffusion;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;

/**
 * Closed-form optimal predictors for Gaussian clips, and the exact law of what sampling with them
 * returns.
 *
 * <p>Everything is linear in the noise that is drawn, so one run of the production code over unit
 * vectors (one in each pixel) gives the whole linear map, and from it the covariance of the output
 * without any sampling. The frames' matrices are written out here once more, from their definition.
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
    int columns = plan.stages().stream().mapToInt(Stage::frames).sum();
    Latents map =
        new StagedSampler(plan, sampler, steps)
            .sample(
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

  /** Draw i holds the unit vectors of the i-th block of columns. */
  private static NoiseSource unitVectors(int columns) {
    int[] drawn = {0};
    return shape -> {
      Latents units = Latents.zeros(shape);
      for (int f = 0; f < shape.frames(); f++) {
        units.data()[f * columns + drawn[0]++] = 1;
      }
      return units;
    };
  }

  /** The law of stage K's start: γ²·D Σ Dᵀ + σ²·I. */
  private DMatrixRMaj startCovariance() {
    Stage stage = plan.stages().get(0);
    double gamma = plan.schedule().form().gamma(1);
    double sigma = plan.schedule().form().sigma(1);
    DMatrixRMaj covariance = sandwich(down(stage.stride()), data);
    CommonOps_DDRM.scale(gamma * gamma, covariance);
    for (int i = 0; i < stage.frames(); i++) {
      covariance.add(i, i, sigma * sigma);
    }
    return covariance;
  }

  /** E[dy/dτ | x]: the network that training to perfection would give. */
  Latents predict(Latents x, double timestep, int[] positions) {
    int index = index(x.frames());
    Stage stage = plan.stages().get(index);
    for (int n = 0; n < positions.length; n++) {
      assertThat(positions[n]).isEqualTo(n * stage.stride());
    }
    DiffusionForm form = plan.schedule().form();
    double t = form.time(timestep);
    DMatrixRMaj start = scaled(start(index), stage.start());
    DMatrixRMaj end = scaled(down(stage.stride()), stage.end());
    double length = form.tau(stage.start()) - form.tau(stage.end());
    double part = (form.tau(t) - form.tau(stage.end())) / length;
    DMatrixRMaj here = new DMatrixRMaj(stage.frames(), plan.frames());
    CommonOps_DDRM.add(1 - part, end, part, start, here);
    DMatrixRMaj slope = new DMatrixRMaj(stage.frames(), plan.frames());
    CommonOps_DDRM.add(-1 / length, end, 1 / length, start, slope);
    DMatrixRMaj own = sandwich(here, data);
    DMatrixRMaj cross = product(product(slope, data), transposed(here));
    for (int i = 0; i < stage.frames(); i++) {
      own.add(i, i, form.tau(t) * form.tau(t));
      cross.add(i, i, form.tau(t));
    }
    DMatrixRMaj inverse = new DMatrixRMaj(stage.frames(), stage.frames());
    CommonOps_DDRM.invert(own, inverse);
    DMatrixRMaj gain = product(cross, inverse);
    CommonOps_DDRM.scale(1 / form.scale(t), gain);
    return multiply(gain, x);
  }

  private int index(int frames) {
    for (int i = 0; i < plan.stages().size(); i++) {
      if (plan.stages().get(i).frames() == frames) {
        return i;
      }
    }
    throw new AssertionError("no stage of " + frames + " frames");
  }

  /** γ/scale at t times a matrix: the data's part of y. */
  private DMatrixRMaj scaled(DMatrixRMaj matrix, double t) {
    DiffusionForm form = plan.schedule().form();
    DMatrixRMaj result = matrix.copy();
    CommonOps_DDRM.scale(form.gamma(t) / form.scale(t), result);
    return result;
  }

  private DMatrixRMaj start(int index) {
    Stage stage = plan.stages().get(index);
    if (index == 0) {
      return down(stage.stride());
    }
    Stage before = plan.stages().get(index - 1);
    return product(up(before, stage), down(before.stride()));
  }

  private boolean shared() {
    return plan.config().resampling().firstFrame() == FrameResampling.FirstFrame.SHARED;
  }

  private boolean mean() {
    return plan.config().resampling().downsampling() == FrameResampling.Downsampling.MEAN;
  }

  /** The full-rate frames that coarse frame i stands for. */
  private List<Integer> group(int i, int stride) {
    var group = new ArrayList<Integer>();
    for (int j = 0; j < stride; j++) {
      group.add(shared() ? (i - 1) * stride + 1 + j : i * stride + j);
    }
    return shared() && i == 0 ? List.of(0) : group;
  }

  DMatrixRMaj down(int stride) {
    int ahead = shared() ? 1 : 0;
    var down = new DMatrixRMaj(ahead + (plan.frames() - ahead) / stride, plan.frames());
    for (int i = 0; i < down.numRows; i++) {
      if (mean()) {
        List<Integer> group = group(i, stride);
        for (int frame : group) {
          down.set(i, frame, 1.0 / group.size());
        }
      } else {
        down.set(i, i * stride, 1);
      }
    }
    return down;
  }

  DMatrixRMaj up(Stage coarse, Stage fine) {
    int rate = coarse.stride() / fine.stride();
    var up = new DMatrixRMaj(fine.frames(), coarse.frames());
    for (int f = 0; f < fine.frames(); f++) {
      for (int i = 0; i < coarse.frames(); i++) {
        if (plan.config().resampling().upsampling() == FrameResampling.Upsampling.NEAREST) {
          up.set(f, i, group(i, rate).contains(f) ? 1 : 0);
        } else {
          up.set(f, i, hat(f, i, coarse.frames(), rate));
        }
      }
    }
    return up;
  }

  /** The weight of coarse frame i at fine frame f, constant beyond the outermost coarse frames. */
  private double hat(int f, int i, int coarse, int rate) {
    double at = Math.min(Math.max(f, place(0, rate)), place(coarse - 1, rate));
    double here = place(i, rate);
    if (at == here) {
      return 1;
    }
    int other = at < here ? i - 1 : i + 1;
    if (other < 0 || other >= coarse) {
      return 0;
    }
    return Math.max(0, 1 - (at - here) / (place(other, rate) - here));
  }

  private double place(int i, int rate) {
    return mean()
        ? group(i, rate).stream().mapToInt(Integer::intValue).average().orElseThrow()
        : i * rate;
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
