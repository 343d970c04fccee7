package io.github.tpdiff.lora.optim;

import static com.google.common.base.Preconditions.checkArgument;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Adam with decoupled weight decay (Loshchilov and Hutter 2019), in fp32 and in the order of {@code
 * torch.optim.AdamW}, so that a step equals torch's to the last bits.
 */
public final class AdamW {

  /**
   * What torch calls betas, eps and weight_decay.
   *
   * @param beta1 decay of the mean of gradients
   * @param beta2 decay of the mean of squares
   * @param eps added to the root of the mean of squares
   * @param weightDecay decoupled: the share of a weight that a step at rate 1 takes away
   */
  public record Settings(double beta1, double beta2, double eps, double weightDecay) {
    /** torch's own defaults. */
    public static final Settings DEFAULT = new Settings(0.9, 0.999, 1e-8, 0.01);

    /**
     * @throws IllegalArgumentException if a value is out of range
     */
    public Settings {
      checkArgument(
          beta1 >= 0 && beta1 < 1 && beta2 >= 0 && beta2 < 1,
          "train.betas: each in [0, 1), found %s, %s",
          beta1,
          beta2);
      checkArgument(eps > 0 && Double.isFinite(eps), "train.eps: must be positive, found %s", eps);
      checkArgument(
          weightDecay >= 0 && Double.isFinite(weightDecay),
          "train.weight_decay: at least 0, found %s",
          weightDecay);
    }
  }

  /**
   * Running means of one tensor.
   *
   * @param expAvg of its gradients
   * @param expAvgSq of their squares
   */
  @SuppressWarnings("ArrayRecordComponent") // changed in place at every step, never compared
  public record Moments(float[] expAvg, float[] expAvgSq) {}

  private final Settings settings;
  private final Map<String, Moments> moments = new LinkedHashMap<>();
  private int steps;

  public AdamW(Settings settings) {
    this.settings = settings;
  }

  /** An optimizer that has done {@code steps} steps and goes on from {@code moments}. */
  public static AdamW resumed(Settings settings, int steps, Map<String, Moments> moments) {
    var optimizer = new AdamW(settings);
    optimizer.steps = steps;
    optimizer.moments.putAll(moments);
    return optimizer;
  }

  /** Steps done. */
  public int steps() {
    return steps;
  }

  /** Running means by tensor name; empty before the first step. */
  public Map<String, Moments> moments() {
    return Collections.unmodifiableMap(moments);
  }

  /**
   * One step on all tensors, in place.
   *
   * @param parameters values by name
   * @param gradients for each of them, of the same length
   * @param learningRate of this step
   */
  public void step(
      Map<String, float[]> parameters, Map<String, float[]> gradients, double learningRate) {
    steps++;
    List<String> names = new ArrayList<>(parameters.keySet());
    names.forEach(
        name ->
            moments.computeIfAbsent(
                name,
                n -> {
                  int length = require(parameters, n).length;
                  return new Moments(new float[length], new float[length]);
                }));
    double correction1 = 1 - Math.pow(settings.beta1(), steps);
    double correction2 = Math.sqrt(1 - Math.pow(settings.beta2(), steps));
    var scalars =
        new Scalars(
            (float) (1 - learningRate * settings.weightDecay()),
            (float) (-learningRate / correction1),
            (float) correction2);
    names.parallelStream()
        .forEach(
            name ->
                update(
                    require(parameters, name),
                    require(gradients, name),
                    require(moments, name),
                    scalars));
  }

  private record Scalars(float decay, float stepSize, float rootCorrection) {}

  private static <T> T require(Map<String, T> map, String name) {
    T found = map.get(name);
    if (found == null) {
      throw new IllegalArgumentException("trained tensor '%s' has no gradient".formatted(name));
    }
    return found;
  }

  private void update(float[] p, float[] g, Moments means, Scalars scalars) {
    checkArgument(
        p.length == g.length, "gradient: expected %s values, found %s", p.length, g.length);
    float[] m = means.expAvg();
    float[] v = means.expAvgSq();
    float toGradient = (float) (1 - settings.beta1());
    float beta2 = (float) settings.beta2();
    float toSquare = (float) (1 - settings.beta2());
    float eps = (float) settings.eps();
    boolean fromGradient = toGradient >= 0.5f;
    for (int i = 0; i < p.length; i++) {
      float w = p[i] * scalars.decay;
      // torch.lerp turns round at one half.
      m[i] =
          fromGradient
              ? g[i] - (g[i] - m[i]) * (1 - toGradient)
              : m[i] + toGradient * (g[i] - m[i]);
      v[i] = v[i] * beta2 + toSquare * g[i] * g[i];
      float denominator = (float) Math.sqrt(v[i]) / scalars.rootCorrection + eps;
      p[i] = w + scalars.stepSize * (m[i] / denominator);
    }
  }
}
