package io.github.tpdiff.lora.optim;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.lora.Parameter;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Adam with decoupled weight decay (Loshchilov and Hutter 2019), in fp32 and in the order of {@code
 * torch.optim.AdamW}, so that a step equals torch's to the last bits.
 */
public final class AdamW implements Optimizer {

  /**
   * What torch calls betas, eps and weight_decay.
   *
   * @param beta1 decay of the mean of gradients
   * @param beta2 decay of the mean of squares
   * @param eps added to the root of the mean of squares
   * @param weightDecay decoupled: the share of a weight that a step at rate 1 takes away
   */
  public record Settings(double beta1, double beta2, double eps, double weightDecay)
      implements Optimizer.Settings {
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

    @Override
    public AdamW resumed(Map<String, Parameter> parameters, int steps, TensorSource state) {
      var optimizer = new AdamW(this, steps);
      if (!state.names().isEmpty()) {
        parameters.forEach(
            (name, p) ->
                optimizer.moments.put(
                    name,
                    new Moments(
                        read(state, EXP_AVG + name, p.shape()),
                        read(state, EXP_AVG_SQ + name, p.shape()))));
      }
      return optimizer;
    }
  }

  /**
   * Running means of one tensor.
   *
   * @param expAvg of its gradients
   * @param expAvgSq of their squares
   */
  private record Moments(Parameter expAvg, Parameter expAvgSq) {
    static Moments zero(List<Long> shape) {
      int count = Math.toIntExact(shape.stream().reduce(1L, Math::multiplyExact));
      return new Moments(
          new Parameter(shape, new float[count]), new Parameter(shape, new float[count]));
    }
  }

  private static final String EXP_AVG = "exp_avg.";
  private static final String EXP_AVG_SQ = "exp_avg_sq.";

  private final Settings settings;
  private final Map<String, Moments> moments = new LinkedHashMap<>();
  private int steps;

  private AdamW(Settings settings, int steps) {
    this.settings = settings;
    this.steps = steps;
  }

  /**
   * {@inheritDoc}
   *
   * <p>{@code exp_avg.<weight>} and {@code exp_avg_sq.<weight>}, in the weight's shape.
   */
  @Override
  public TensorSource state() {
    var state = new LinkedHashMap<String, Parameter>();
    moments.forEach(
        (name, own) -> {
          state.put(EXP_AVG + name, own.expAvg());
          state.put(EXP_AVG_SQ + name, own.expAvgSq());
        });
    return Parameter.view(state);
  }

  private static Parameter read(TensorSource state, String name, List<Long> shape) {
    TensorInfo info = state.require(name);
    if (!info.shape().equals(shape)) {
      throw new CheckpointException(
          "%s: tensor '%s': expected %s, found %s"
              .formatted(state.origin(), name, shape, info.shape()));
    }
    return new Parameter(shape, state.floats(name));
  }

  @Override
  public void step(
      Map<String, Parameter> parameters, Map<String, float[]> gradients, double learningRate) {
    steps++;
    List<String> names = new ArrayList<>(parameters.keySet());
    names.forEach(
        name ->
            moments.computeIfAbsent(
                name, n -> Moments.zero(Parameter.require(parameters, n).shape())));
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
                    Parameter.require(parameters, name).values(),
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
    float[] m = means.expAvg().values();
    float[] v = means.expAvgSq().values();
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
