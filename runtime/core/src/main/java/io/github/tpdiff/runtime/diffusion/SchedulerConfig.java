package io.github.tpdiff.runtime.diffusion;

import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Reads the fields of a {@code scheduler_config.json}; what is absent has upstream's default. */
final class SchedulerConfig {
  /** A thousand times what networks are trained with. */
  private static final int MOST_TIMESTEPS = 1_000_000;

  private static final double LEAST_SHIFT = 1e-3;

  private final Map<String, ?> fields;

  SchedulerConfig(Map<String, ?> fields) {
    this.fields = fields;
  }

  Scheduler scheduler() {
    String name = text("_class_name", "");
    return switch (name) {
      case "UniPCMultistepScheduler" -> uniPc();
      case "FlowUniPCMultistepScheduler" ->
          new Scheduler(flow(FlowSchedule.Spacing.UNI_PC_ORIGINAL, "shift"), new UniPcSampler());
      case "FlowMatchEulerDiscreteScheduler" -> flowMatchEuler();
      case "DDIMScheduler" -> ddim();
      case "DPMSolverMultistepScheduler" -> dpmSolver();
      default ->
          throw new IllegalArgumentException(
              "scheduler_config.json: _class_name: expected UniPCMultistepScheduler, "
                  + "FlowUniPCMultistepScheduler, FlowMatchEulerDiscreteScheduler, DDIMScheduler or "
                  + "DPMSolverMultistepScheduler, found "
                  + name);
    };
  }

  private Scheduler uniPc() {
    only("use_flow_sigmas", false, true);
    only("prediction_type", "epsilon", "flow_prediction");
    only("solver_order", 2, 2);
    only("solver_type", "bh2", "bh2");
    only("predict_x0", true, true);
    only("lower_order_final", true, true);
    only("final_sigmas_type", "zero", "zero");
    only("thresholding", false, false);
    return new Scheduler(flow(FlowSchedule.Spacing.UNI_PC, "flow_shift"), new UniPcSampler());
  }

  private Scheduler flowMatchEuler() {
    only("use_dynamic_shifting", false, false);
    only("shift_terminal", null, null);
    only("invert_sigmas", false, false);
    only("stochastic_sampling", false, false);
    noOtherSigmas();
    return new Scheduler(flow(FlowSchedule.Spacing.FLOW_MATCH_EULER, "shift"), new EulerSampler());
  }

  private Scheduler ddim() {
    only("clip_sample", true, false);
    only("thresholding", false, false);
    VariancePreserving form = table();
    var spacing =
        switch (text("timestep_spacing", "leading")) {
          case "leading" -> DdimSchedule.Spacing.LEADING;
          case "trailing" -> DdimSchedule.Spacing.TRAILING;
          case "linspace" -> DdimSchedule.Spacing.LINSPACE;
          default -> throw spacingUnsupported();
        };
    double last = truth("set_alpha_to_one", true) ? 0 : form.firstTime();
    return new Scheduler(new DdimSchedule(form, spacing, stepsOffset(), last), new EulerSampler());
  }

  private Scheduler dpmSolver() {
    Sampler sampler =
        switch (text("algorithm_type", "dpmsolver++")) {
          case "dpmsolver++" -> new DpmSolverSampler();
          case "sde-dpmsolver++" -> new DpmSolverSdeSampler();
          default -> throw unsupported("algorithm_type", "dpmsolver++ or sde-dpmsolver++");
        };
    only("solver_order", 2, 2);
    only("solver_type", "midpoint", "midpoint");
    only("final_sigmas_type", "zero", "zero");
    only("lambda_min_clipped", Double.NEGATIVE_INFINITY, Double.NEGATIVE_INFINITY);
    only("thresholding", false, false);
    only("use_flow_sigmas", false, false);
    only("use_lu_lambdas", false, false);
    only("lower_order_final", true, true);
    only("euler_at_final", false, false);
    noOtherSigmas();
    var spacing =
        switch (text("timestep_spacing", "linspace")) {
          case "leading" -> DdimSchedule.Spacing.CHAINED_LEADING;
          case "trailing" -> DdimSchedule.Spacing.CHAINED_TRAILING;
          case "linspace" -> DdimSchedule.Spacing.CHAINED_LINSPACE;
          default -> throw spacingUnsupported();
        };
    int offset = spacing == DdimSchedule.Spacing.CHAINED_LEADING ? stepsOffset() : 0;
    return new Scheduler(new DdimSchedule(table(), spacing, offset, 0), sampler);
  }

  private IllegalArgumentException spacingUnsupported() {
    return unsupported("timestep_spacing", "leading, trailing or linspace");
  }

  private void noOtherSigmas() {
    only("use_karras_sigmas", false, false);
    only("use_exponential_sigmas", false, false);
    only("use_beta_sigmas", false, false);
  }

  private FlowSchedule flow(FlowSchedule.Spacing spacing, String shiftField) {
    double shift = number(shiftField, 1, LEAST_SHIFT, 1 / LEAST_SHIFT);
    return new FlowSchedule(spacing, shift, new FlowMatching(trainTimesteps()));
  }

  private VariancePreserving table() {
    PredictionType predicts =
        PredictionType.find(text("prediction_type", "epsilon"))
            .orElseThrow(() -> unsupported("prediction_type", "epsilon, v_prediction or sample"));
    only("trained_betas", null, null);
    only("rescale_betas_zero_snr", false, false);
    double start = number("beta_start", 0.0001, Double.MIN_NORMAL, 1);
    double end = number("beta_end", 0.02, Double.MIN_NORMAL, 1);
    int rows = trainTimesteps();
    VariancePreserving ofEpsilon =
        switch (text("beta_schedule", "linear")) {
          case "linear" -> VariancePreserving.linear(start, end, rows);
          case "scaled_linear" -> VariancePreserving.scaledLinear(start, end, rows);
          default -> throw unsupported("beta_schedule", "linear or scaled_linear");
        };
    return ofEpsilon.predicting(predicts);
  }

  private String text(String field, String absent) {
    Object value = fields.get(field);
    if (value == null) {
      return absent;
    }
    if (value instanceof String text) {
      return text;
    }
    throw unsupported(field, "a string");
  }

  private int trainTimesteps() {
    return integer("num_train_timesteps", 1000, 1);
  }

  private int stepsOffset() {
    return integer("steps_offset", 0, 0);
  }

  private int integer(String field, int absent, int least) {
    double value = number(field, absent, least, MOST_TIMESTEPS);
    if (value != Math.rint(value)) {
      throw unsupported(field, "an integer");
    }
    return (int) value;
  }

  private double number(String field, double absent, double least, double most) {
    Object value = fields.get(field);
    if (value == null) {
      return absent;
    }
    // Not a number is in no range either.
    if (value instanceof Number number
        && number.doubleValue() >= least
        && number.doubleValue() <= most) {
      return number.doubleValue();
    }
    throw unsupported(field, "a number from %s to %s".formatted(least, most));
  }

  private boolean truth(String field, boolean absent) {
    Object value = fields.get(field);
    if (value == null) {
      return absent;
    }
    if (value instanceof Boolean truth) {
      return truth;
    }
    throw unsupported(field, "true or false");
  }

  /** Refuses a value that would change the result in a way that is not implemented. */
  private void only(String field, @Nullable Object absent, @Nullable Object supported) {
    Object value = fields.containsKey(field) ? fields.get(field) : absent;
    boolean same =
        (value instanceof Number left && supported instanceof Number right)
            ? left.doubleValue() == right.doubleValue()
            : Objects.equals(value, supported);
    if (!same) {
      throw unsupported(field, String.valueOf(supported));
    }
  }

  private IllegalArgumentException unsupported(String field, String expected) {
    Object found = fields.containsKey(field) ? fields.get(field) : "none";
    return new IllegalArgumentException(
        "scheduler_config.json: " + field + ": expected " + expected + ", found " + found);
  }
}
