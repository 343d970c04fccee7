package io.github.tpdiff.lora.job;

import static com.google.common.base.Preconditions.checkArgument;

import com.google.common.collect.ImmutableSet;
import io.github.tpdiff.lora.optim.LearningRate;
import io.github.tpdiff.lora.optim.LearningRate.Curve;
import io.github.tpdiff.lora.optim.LearningRate.Decay;
import io.github.tpdiff.lora.train.TrainingSettings.Descent;
import io.github.tpdiff.runtime.diffusion.Words;
import io.github.tpdiff.runtime.optim.Adafactor;
import io.github.tpdiff.runtime.optim.AdamW;
import io.github.tpdiff.runtime.optim.AdamW8bit;
import io.github.tpdiff.runtime.optim.Lion;
import io.github.tpdiff.runtime.optim.OptimizerKind;
import io.github.tpdiff.runtime.optim.Prodigy;
import io.github.tpdiff.runtime.optim.RunningMean;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/** Reads what the section {@code train} of a job says of a step of descent. */
final class OptimizerReader {
  private static final String OPTIMIZER = "optimizer";
  private static final String BETAS = "betas";
  private static final String EPS = "eps";
  private static final String WEIGHT_DECAY = "weight_decay";
  private static final String D0 = "d0";
  private static final String D_COEF = "d_coef";
  private static final String SAFEGUARD = "safeguard_warmup";
  private static final String CORRECTION = "use_bias_correction";

  /** How optimizers are called, each with the keys of its numbers. */
  enum Choice {
    ADAMW(BETAS, EPS, WEIGHT_DECAY),
    ADAMW_8BIT(BETAS, EPS, WEIGHT_DECAY),
    ADAFACTOR(EPS, WEIGHT_DECAY),
    PRODIGY(BETAS, EPS, WEIGHT_DECAY, D0, D_COEF, SAFEGUARD, CORRECTION),
    LION(BETAS, WEIGHT_DECAY);

    private final ImmutableSet<String> keys;

    Choice(String... keys) {
      this.keys = ImmutableSet.copyOf(keys);
    }
  }

  private final JobSection section;
  private final Choice choice;

  private OptimizerReader(JobSection section, Choice choice) {
    this.section = section;
    this.choice = choice;
  }

  /**
   * Reads a step of descent.
   *
   * @param steps of the job
   */
  static Descent read(JobSection s, int steps) {
    Choice choice =
        s.value(
            OPTIMIZER,
            JobType.choice(Choice.class),
            Choice.ADAMW,
            "What moves the trained tensors along their gradients, where they are computed.");
    var reader = new OptimizerReader(s, choice);
    LearningRate rate = reader.rate(steps);
    OptimizerKind kind = reader.kind();
    double maxNorm =
        s.value(
            "max_grad_norm",
            JobType.NUMBER,
            1.0,
            "To which the norm of all gradients together is cut; 0 for no limit.");
    Optional<RunningMean> mean =
        s.find(
                "ema",
                JobType.NUMBER,
                "no mean: the last values",
                "Decay of a running mean of what is trained, such as 0.999: files, samples and"
                    + " validation then have the mean; less in the first steps.")
            .map(RunningMean::new);
    double loraPlus =
        s.value(
            "lora_plus",
            JobType.NUMBER,
            1.0,
            "Factor on the learning rate of each LoRA's B, such as 16 (LoRA+).");
    OptionalDouble limit = maxNorm == 0 ? OptionalDouble.empty() : OptionalDouble.of(maxNorm);
    return new Descent(kind, rate, limit, mean, loraPlus);
  }

  private LearningRate rate(int steps) {
    double base =
        section
            .find(
                "learning_rate",
                JobType.NUMBER,
                "1e-4; 1 of prodigy",
                "The highest; above 0. Of prodigy a factor on the size that it finds.")
            .orElse(choice == Choice.PRODIGY ? 1 : 1e-4);
    int warmup =
        section.value("warmup_steps", JobType.WHOLE, 0, "Steps in which the rate rises to it.");
    Decay decay =
        section.value(
            "decay",
            JobType.choice(Decay.class),
            Decay.CONSTANT,
            "What the rate does after that until the last step.");
    Optional<Integer> cycles =
        section.find(
            "cycles", JobType.WHOLE, "1", "How often cosine_restarts falls from the highest rate.");
    Optional<Double> power =
        section.find(
            "decay_power", JobType.NUMBER, "1", "Of polynomial: 1 is linear, 2 quadratic.");
    Optional<Double> floor =
        section.find(
            "min_rate_share",
            JobType.NUMBER,
            "0",
            "Share of the highest rate that a decay ends at; from 0 to below 1.");
    requireUse("cycles", cycles, decay == Decay.COSINE_RESTARTS, "decay: cosine_restarts");
    requireUse("decay_power", power, decay == Decay.POLYNOMIAL, "decay: polynomial");
    requireUse("min_rate_share", floor, decay != Decay.CONSTANT, "a decay");
    var curve =
        new Curve(
            cycles.orElse(Curve.USUAL.cycles()),
            power.orElse(Curve.USUAL.power()),
            floor.orElse(Curve.USUAL.floor()));
    // Without a decay the number of steps may grow when a run is resumed, as far as the warm-up
    // too.
    checkArgument(
        decay == Decay.CONSTANT || warmup <= steps,
        "train.warmup_steps: at most train.steps, which is %s, found %s",
        steps,
        warmup);
    int end = decay == Decay.CONSTANT ? 1 : steps;
    return new LearningRate(base, warmup, decay, end, curve);
  }

  private static void requireUse(String key, Optional<?> found, boolean isUsed, String user) {
    checkArgument(found.isEmpty() || isUsed, "train.%s is for %s; leave it out", key, user);
  }

  private OptimizerKind kind() {
    Optional<List<Double>> betas =
        find(
            BETAS,
            TrainingJobReader.NUMBERS,
            "[0.9, 0.999]; of lion [0.9, 0.99]",
            "Decays of the mean of gradients and of the mean of their squares; adafactor has none.");
    Optional<Double> eps =
        find(
            EPS,
            JobType.NUMBER,
            "1e-8; of adafactor 1e-30",
            "Added to the divisor, by adafactor to squares; lion has none.");
    Optional<Double> weightDecay =
        find(
            WEIGHT_DECAY,
            JobType.NUMBER,
            "0.01 of adamw and adamw_8bit, else 0",
            "Share of each value that a step takes away, per unit of rate.");
    Prodigy.Estimation estimation = estimation();
    betas.ifPresent(
        two -> checkArgument(two.size() == 2, "train.betas: expected two numbers, found %s", two));
    double beta1 = betas.map(two -> two.get(0)).orElse(0.9);
    double beta2 = betas.map(two -> two.get(1)).orElse(choice == Choice.LION ? 0.99 : 0.999);
    var adamW = new AdamW(beta1, beta2, eps.orElse(1e-8), weightDecay.orElse(0.01));
    double noDecay = weightDecay.orElse(0.0);
    return switch (choice) {
      case ADAMW -> adamW;
      case ADAMW_8BIT -> new AdamW8bit(adamW);
      case ADAFACTOR -> new Adafactor(eps.orElse(Adafactor.DEFAULT.eps()), noDecay);
      case PRODIGY -> new Prodigy(beta1, beta2, eps.orElse(1e-8), noDecay, estimation);
      case LION -> new Lion(beta1, beta2, noDecay);
    };
  }

  private Prodigy.Estimation estimation() {
    Prodigy.Estimation usual = Prodigy.DEFAULT.estimation();
    return new Prodigy.Estimation(
        find(D0, JobType.NUMBER, "1e-6", "Prodigy's first estimate of the step size.")
            .orElse(usual.first()),
        find(D_COEF, JobType.NUMBER, "1", "Factor on prodigy's later estimates, such as 0.5 or 2.")
            .orElse(usual.factor()),
        find(
                SAFEGUARD,
                JobType.FLAG,
                "true",
                "Leaves the learning rate out of prodigy's estimate, for warm-up.")
            .orElse(usual.safeguardsWarmup()),
        find(CORRECTION, JobType.FLAG, "true", "Corrects the bias of prodigy's means, as Adam.")
            .orElse(usual.correctsBias()));
  }

  /** A key of some optimizers. */
  private <T> Optional<T> find(String key, JobType<T> type, String otherwise, String meaning) {
    Optional<T> found = section.find(key, type, otherwise, meaning);
    checkArgument(
        found.isEmpty() || choice.keys.contains(key),
        "train.%s: optimizer %s has none; leave it out",
        key,
        Words.of(choice));
    return found;
  }

  /** The keys of an optimizer with its numbers, as {@link #read} reads them. */
  static Map<String, Object> settings(OptimizerKind kind) {
    var keys = new LinkedHashMap<String, Object>();
    if (kind instanceof AdamW adamW) {
      // Jobs from when there was no other stay what they were.
      keys.put(BETAS, List.of(adamW.beta1(), adamW.beta2()));
      keys.put(EPS, adamW.eps());
      keys.put(WEIGHT_DECAY, adamW.weightDecay());
    } else if (kind instanceof AdamW8bit coded) {
      keys.put(OPTIMIZER, Choice.ADAMW_8BIT);
      keys.putAll(settings(coded.numbers()));
    } else if (kind instanceof Adafactor adafactor) {
      keys.put(OPTIMIZER, Choice.ADAFACTOR);
      keys.put(EPS, adafactor.eps());
      keys.put(WEIGHT_DECAY, adafactor.weightDecay());
    } else if (kind instanceof Lion lion) {
      keys.put(OPTIMIZER, Choice.LION);
      keys.put(BETAS, List.of(lion.beta1(), lion.beta2()));
      keys.put(WEIGHT_DECAY, lion.weightDecay());
    } else if (kind instanceof Prodigy prodigy) {
      keys.put(OPTIMIZER, Choice.PRODIGY);
      keys.put(BETAS, List.of(prodigy.beta1(), prodigy.beta2()));
      keys.put(EPS, prodigy.eps());
      keys.put(WEIGHT_DECAY, prodigy.weightDecay());
      keys.put(D0, prodigy.estimation().first());
      keys.put(D_COEF, prodigy.estimation().factor());
      keys.put(SAFEGUARD, prodigy.estimation().safeguardsWarmup());
      keys.put(CORRECTION, prodigy.estimation().correctsBias());
    }
    return keys;
  }
}
