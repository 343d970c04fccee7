package io.github.tpdiff.runtime.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;

/**
 * What sampling returns with networks that were trained to perfection on Gaussian clips: the exact
 * law, without any training.
 *
 * <p>A clip's clean latents on every stage's grid are linear in independent sources. The networks
 * are the best predictors of the training examples that the production code makes: an example is
 * linear in the sources and the noise, so a run of it over unit vectors (a clip of the batch for
 * each) gives the matrices of its input and of its target, and from them the conditional mean.
 * Sampling with these predictors is linear in the noise that is drawn; a run over unit vectors
 * gives that map, and from it the covariance at every stage's end. The oracle is the law of the
 * clean latents alone: examples and sampler that do not belong together miss it.
 */
final class GaussianOracle {
  private final StagePlan plan;

  /** Of the sources. */
  private final DMatrixRMaj data;

  /** x^(k) from the sources, in sampling order. */
  private final List<DMatrixRMaj> clean;

  private final Map<Question, DMatrixRMaj> answers = new HashMap<>();

  /** What the network of a stage is asked. */
  private record Question(int stage, double timestep) {}

  private GaussianOracle(StagePlan plan, DMatrixRMaj data, List<DMatrixRMaj> clean) {
    this.plan = plan;
    this.data = data;
    this.clean = List.copyOf(clean);
  }

  /** Clips with covariance ρ^|distance| along every axis; x^(k) = D_k·x_0. */
  static GaussianOracle ofClips(StagePlan plan, double rho) {
    LatentGrid grid = plan.grid();
    int n = places(grid);
    var data = new DMatrixRMaj(n, n);
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < n; j++) {
        data.set(i, j, Math.pow(rho, distance(i, j, grid)));
      }
    }
    Latents clips = latents(CommonOps_DDRM.identity(n), grid);
    var clean = new ArrayList<DMatrixRMaj>();
    plan.stages().forEach(stage -> clean.add(matrix(plan.clean(stage, clips))));
    return new GaussianOracle(plan, data, clean);
  }

  /**
   * The same clips, and clean latents that are tied by the clip alone: x^(k) is D_k·x_0 and as much
   * of another linear map of the clip and of a part that is independent of all else, at variance 1.
   */
  static GaussianOracle ofCoupled(StagePlan plan, double rho, long seed) {
    GaussianOracle clips = ofClips(plan, rho);
    int shared = clips.data.numRows;
    int own = plan.stages().stream().mapToInt(stage -> places(stage.grid())).sum();
    DMatrixRMaj data = CommonOps_DDRM.identity(shared + own);
    CommonOps_DDRM.insert(clips.data, data, 0, 0);
    var random = new Random(seed);
    var clean = new ArrayList<DMatrixRMaj>();
    int next = shared;
    for (DMatrixRMaj down : clips.clean) {
      var map = new DMatrixRMaj(down.numRows, shared + own);
      for (int i = 0; i < map.numRows; i++) {
        for (int j = 0; j < shared; j++) {
          map.set(i, j, down.get(i, j) + random.nextGaussian() / Math.sqrt(shared));
        }
        map.set(i, next++, 1);
      }
      clean.add(ofUnitVariance(map, data));
    }
    return new GaussianOracle(plan, data, clean);
  }

  private static DMatrixRMaj ofUnitVariance(DMatrixRMaj map, DMatrixRMaj data) {
    DMatrixRMaj covariance = sandwich(map, data);
    var scaled = new DMatrixRMaj(map.numRows, map.numCols);
    for (int i = 0; i < map.numRows; i++) {
      for (int j = 0; j < map.numCols; j++) {
        // Latents are floats, so their law is that of floats.
        scaled.set(i, j, (float) (map.get(i, j) / Math.sqrt(covariance.get(i, i))));
      }
    }
    return scaled;
  }

  private static int distance(int i, int j, LatentGrid grid) {
    int pixels = grid.height() * grid.width();
    return Math.abs(i / pixels - j / pixels)
        + Math.abs(i % pixels / grid.width() - j % pixels / grid.width())
        + Math.abs(i % grid.width() - j % grid.width());
  }

  private static int places(LatentGrid grid) {
    return grid.frames() * grid.height() * grid.width();
  }

  private static int places(StageGrid grid) {
    return places(grid.size());
  }

  /**
   * max |C − (γ_e² Σ_k + σ_e² I)| over the ends of all stages, C the covariance there and Σ_k that
   * of x^(k), whose largest entry is 1. The last stage's end is the output.
   */
  double covarianceError(Sampler sampler, int stepsPerStage) {
    var steps = plan.stages().stream().map(stage -> stepsPerStage).toList();
    var staged = StagedSampler.split(plan, sampler, steps);
    int columns = draws(staged);
    double[] largest = {0};
    staged.sample(
        new LatentShape(columns, 1, 1, 1, 1).withGrid(plan.grid()),
        this::predict,
        unitVectors(columns),
        new StageListener() {
          @Override
          public void onStep(Stage stage, int index, Latents x) {
            if (index == stepsPerStage - 1) {
              largest[0] = Math.max(largest[0], errorAtEnd(stage, x));
            }
          }
        });
    return largest[0];
  }

  /**
   * @param drawn what comes of every unit vector of noise: of stage K's start first, then of others
   */
  private double errorAtEnd(Stage stage, Latents drawn) {
    DMatrixRMaj all = matrix(drawn);
    DMatrixRMaj start = startCovariance();
    DMatrixRMaj others = columns(all, start.numRows, all.numCols);
    DMatrixRMaj covariance = sandwich(columns(all, 0, start.numRows), start);
    CommonOps_DDRM.addEquals(covariance, product(others, transposed(others)));
    DiffusionForm form = plan.schedule().form();
    double gamma = form.gamma(stage.end());
    double sigma = form.sigma(stage.end());
    DMatrixRMaj expected = sandwich(clean.get(index(stage)), data);
    CommonOps_DDRM.scale(gamma * gamma, expected);
    for (int i = 0; i < expected.numRows; i++) {
      expected.add(i, i, sigma * sigma);
    }
    CommonOps_DDRM.subtractEquals(expected, covariance);
    return CommonOps_DDRM.elementMaxAbs(expected);
  }

  /** The values of all noise that is drawn: the stages' own, and a stochastic sampler's. */
  private int draws(StagedSampler staged) {
    int[] values = {0};
    staged.sample(
        new LatentShape(1, 1, 1, 1, 1).withGrid(plan.grid()),
        (x, timestep, grid) -> x,
        shape -> {
          values[0] += shape.elements();
          return Latents.zeros(shape);
        },
        StageListener.silent());
    return values[0];
  }

  /** Draw i holds the unit vectors of the i-th block of clips. */
  private static NoiseSource unitVectors(int columns) {
    int[] drawn = {0};
    return shape -> {
      var units = new DMatrixRMaj(places(shape.grid()), columns);
      for (int i = 0; i < units.numRows; i++) {
        units.set(i, drawn[0]++, 1);
      }
      return latents(units, shape.grid());
    };
  }

  /** The law of stage K's start, as training has it. */
  private DMatrixRMaj startCovariance() {
    Stage stage = plan.stages().get(0);
    Part start = example(stage, stage.start()).input();
    return covariance(start, start);
  }

  /** E[target | input]: the network that training to perfection would give. */
  Latents predict(Latents x, double timestep, StageGrid grid) {
    List<Stage> asked = plan.stages().stream().filter(stage -> stage.grid().equals(grid)).toList();
    assertThat(asked).hasSize(1);
    DMatrixRMaj answer =
        answers.computeIfAbsent(
            new Question(asked.get(0).number(), timestep), own -> answer(asked.get(0), timestep));
    return latents(product(answer, matrix(x)), grid.size());
  }

  private DMatrixRMaj answer(Stage stage, double timestep) {
    double time = plan.schedule().form().time(timestep);
    // There and back may leave the stage by a rounding.
    Example example = example(stage, Math.min(Math.max(time, stage.end()), stage.start()));
    assertThat(example.timestep()).isCloseTo(timestep, within(1e-9));
    DMatrixRMaj inverse = covariance(example.input(), example.input());
    CommonOps_DDRM.invert(inverse);
    return product(covariance(example.target(), example.input()), inverse);
  }

  /** The matrices of the sources and the noise: {@code clip · sources + noise · ε}. */
  private record Part(DMatrixRMaj clip, DMatrixRMaj noise) {}

  private record Example(Part input, Part target, double timestep) {}

  private DMatrixRMaj covariance(Part left, Part right) {
    DMatrixRMaj covariance = product(left.clip(), product(data, transposed(right.clip())));
    CommonOps_DDRM.addEquals(covariance, product(left.noise(), transposed(right.noise())));
    return covariance;
  }

  /** The production code's own example, over unit vectors: the sources' first, then the noise's. */
  private Example example(Stage stage, double time) {
    int index = index(stage);
    LatentGrid grid = stage.grid().size();
    var noise = new DMatrixRMaj(places(grid), data.numCols + places(grid));
    CommonOps_DDRM.insert(CommonOps_DDRM.identity(places(grid)), noise, 0, data.numCols);
    var pair =
        new CleanPair(
            before(clean.get(index), places(grid), grid),
            plan.coarser(stage)
                .map(coarser -> before(clean.get(index - 1), places(grid), coarser.grid().size())));
    TrainingExample made = plan.example(stage, time, pair, latents(noise, grid));
    return new Example(part(made.input()), part(made.target()), made.timestep());
  }

  /** The columns of a matrix, and so many of zeros after them. */
  private static Latents before(DMatrixRMaj matrix, int zeros, LatentGrid grid) {
    var all = new DMatrixRMaj(matrix.numRows, matrix.numCols + zeros);
    CommonOps_DDRM.insert(matrix, all, 0, 0);
    return latents(all, grid);
  }

  private Part part(Latents made) {
    DMatrixRMaj all = matrix(made);
    return new Part(columns(all, 0, data.numCols), columns(all, data.numCols, all.numCols));
  }

  /** Some columns, or none. */
  private static DMatrixRMaj columns(DMatrixRMaj matrix, int from, int to) {
    var some = new DMatrixRMaj(matrix.numRows, to - from);
    for (int i = 0; i < some.numRows; i++) {
      for (int j = 0; j < some.numCols; j++) {
        some.set(i, j, matrix.get(i, from + j));
      }
    }
    return some;
  }

  private int index(Stage stage) {
    return plan.stages().indexOf(stage);
  }

  /** The clips of a batch as columns. */
  private static DMatrixRMaj matrix(Latents batch) {
    int clips = batch.shape().batch();
    var matrix = new DMatrixRMaj(batch.data().length / clips, clips);
    for (int i = 0; i < matrix.numRows; i++) {
      for (int clip = 0; clip < clips; clip++) {
        matrix.set(i, clip, batch.data()[clip * matrix.numRows + i]);
      }
    }
    return matrix;
  }

  /** Columns as the clips of a batch. */
  private static Latents latents(DMatrixRMaj matrix, LatentGrid grid) {
    Latents batch = Latents.zeros(new LatentShape(matrix.numCols, 1, 1, 1, 1).withGrid(grid));
    for (int i = 0; i < matrix.numRows; i++) {
      for (int clip = 0; clip < matrix.numCols; clip++) {
        batch.data()[clip * matrix.numRows + i] = (float) matrix.get(i, clip);
      }
    }
    return batch;
  }

  private static DMatrixRMaj product(DMatrixRMaj left, DMatrixRMaj right) {
    var product = new DMatrixRMaj(left.numRows, right.numCols);
    CommonOps_DDRM.mult(left, right, product);
    return product;
  }

  private static DMatrixRMaj transposed(DMatrixRMaj matrix) {
    return CommonOps_DDRM.transpose(matrix, null);
  }

  /** left · middle · leftᵀ. */
  private static DMatrixRMaj sandwich(DMatrixRMaj left, DMatrixRMaj middle) {
    return product(product(left, middle), transposed(left));
  }
}
