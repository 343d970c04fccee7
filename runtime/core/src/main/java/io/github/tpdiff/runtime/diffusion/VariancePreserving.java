package io.github.tpdiff.runtime.diffusion;

import static com.google.common.base.Preconditions.checkArgument;

/**
 * The form of DDPM and DDIM: {@code x_t = √ᾱ_t x_0 + √(1 − ᾱ_t) ε}, with a network that predicts ε
 * or another {@link PredictionType} (Ho et al. 2020, Song et al. 2021).
 *
 * <p>Timestep n of a table of N is the time (n + 1) / N, so t = 0 is clean (ᾱ = 1) and t = 1 the
 * noisiest row. Between rows log ᾱ is linear; the network itself is only asked at rows, see {@link
 * #floorTime}.
 */
public final class VariancePreserving implements DiffusionForm {
  /** log ᾱ at times 0, 1/N, …, 1. */
  private final double[] logAlphas;

  private final PredictionType predicts;

  private VariancePreserving(double[] logAlphas, PredictionType predicts) {
    this.logAlphas = logAlphas;
    this.predicts = predicts;
  }

  /** The form with β_n given one by one, and a network that predicts ε. */
  public static VariancePreserving ofBetas(double[] betas) {
    checkArgument(betas.length > 0, "betas: must not be empty");
    double[] logAlphas = new double[betas.length + 1];
    for (int n = 0; n < betas.length; n++) {
      checkArgument(
          betas[n] > 0 && betas[n] < 1, "betas: each must lie in (0, 1), found %s", betas[n]);
      logAlphas[n + 1] = logAlphas[n] + Math.log1p(-betas[n]);
    }
    return new VariancePreserving(logAlphas, PredictionType.EPSILON);
  }

  /** β from {@code start} to {@code end} in equal steps: AnimateDiff's {@code linear}. */
  public static VariancePreserving linear(double start, double end, int trainTimesteps) {
    double[] betas = new double[trainTimesteps];
    for (int n = 0; n < betas.length; n++) {
      betas[n] = start + (end - start) * n / Math.max(1, trainTimesteps - 1);
    }
    return ofBetas(betas);
  }

  /** √β in equal steps: Stable Diffusion's {@code scaled_linear}. */
  public static VariancePreserving scaledLinear(double start, double end, int trainTimesteps) {
    double[] betas = new double[trainTimesteps];
    double from = Math.sqrt(start);
    double to = Math.sqrt(end);
    for (int n = 0; n < betas.length; n++) {
      double root = from + (to - from) * n / Math.max(1, trainTimesteps - 1);
      betas[n] = root * root;
    }
    return ofBetas(betas);
  }

  /** The same table with a network that predicts something else. */
  public VariancePreserving predicting(PredictionType type) {
    return new VariancePreserving(logAlphas, type);
  }

  /** What the network predicts. */
  public PredictionType predicts() {
    return predicts;
  }

  /** The number N of rows of the table. */
  public int trainTimesteps() {
    return logAlphas.length - 1;
  }

  /** ᾱ at time t in [0, 1]. */
  public double alphaCumprod(double t) {
    return Math.exp(logAlpha(t));
  }

  private double logAlpha(double t) {
    checkArgument(t >= 0 && t <= 1 + 1e-12, "time: must lie in [0, 1], found %s", t);
    double row = t * trainTimesteps();
    int below = (int) Math.min(Math.floor(row), trainTimesteps() - 1);
    double part = row - below;
    return (1 - part) * logAlphas[below] + part * logAlphas[below + 1];
  }

  @Override
  public double gamma(double t) {
    return Math.exp(0.5 * logAlpha(t));
  }

  @Override
  public double sigma(double t) {
    return Math.sqrt(-Math.expm1(logAlpha(t)));
  }

  @Override
  public double scale(double t) {
    return gamma(t);
  }

  @Override
  public double tau(double t) {
    return Math.sqrt(Math.expm1(-logAlpha(t)));
  }

  @Override
  public Latents derivative(Latents x, Latents prediction, double t) {
    return predicts.epsilon(point(x, t), prediction);
  }

  @Override
  public Latents prediction(Latents x, Latents derivative, double t) {
    return predicts.prediction(point(x, t), derivative);
  }

  private PredictionType.Point point(Latents x, double t) {
    return new PredictionType.Point(x, gamma(t), sigma(t));
  }

  @Override
  public double timeAt(double noiseToSignal) {
    double target = -Math.log1p(noiseToSignal * noiseToSignal);
    checkArgument(
        target >= logAlphas[trainTimesteps()] - 1e-12,
        "noise-to-signal ratio: at most %s in this schedule, found %s",
        tau(1),
        noiseToSignal);
    int below = 0;
    int above = trainTimesteps();
    while (above - below > 1) {
      int middle = (below + above) >>> 1;
      if (logAlphas[middle] >= target) {
        below = middle;
      } else {
        above = middle;
      }
    }
    double part = (target - logAlphas[below]) / (logAlphas[above] - logAlphas[below]);
    return Math.min(1, (below + part) / trainTimesteps());
  }

  @Override
  public double timeOf(double tau) {
    return timeAt(tau);
  }

  @Override
  public double timestep(double t) {
    return t * trainTimesteps() - 1;
  }

  @Override
  public double time(double timestep) {
    return (timestep + 1) / trainTimesteps();
  }

  @Override
  public double floorTime(double t) {
    return Math.floor(t * trainTimesteps() + 1e-9) / trainTimesteps();
  }

  @Override
  public double firstTime() {
    return 1.0 / trainTimesteps();
  }
}
