package io.github.tpdiff.lora.train;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.lora.optim.LearningRate;
import io.github.tpdiff.runtime.engine.Activations;
import io.github.tpdiff.runtime.engine.Loss;
import io.github.tpdiff.runtime.optim.AdamW;
import io.github.tpdiff.runtime.optim.OptimizerKind;
import io.github.tpdiff.runtime.optim.RunningMean;
import java.util.Collection;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * How training goes.
 *
 * @param seed of everything random
 * @param steps optimizer steps
 * @param batches sizes
 * @param descent what a step does
 * @param dropout what is not shown of some clips
 * @param activations what a step holds in memory
 * @param loss that is made small
 */
public record TrainingSettings(
    long seed,
    int steps,
    Batches batches,
    Descent descent,
    Dropout dropout,
    Activations activations,
    Loss loss) {

  /**
   * How many clips make a step.
   *
   * @param size clips that go through the network together
   * @param accumulation batches whose mean gradient makes a step
   * @param atOnce batches of a step that follow one another and are of one stage: machines that
   *     make one each take equally long
   */
  public record Batches(int size, int accumulation, int atOnce) {
    /**
     * @throws IllegalArgumentException if one is not positive, or a step is no multiple of those at
     *     once
     */
    public Batches {
      checkArgument(size >= 1, "train.batch_size: at least 1, found %s", size);
      checkArgument(
          accumulation >= 1, "train.gradient_accumulation: at least 1, found %s", accumulation);
      checkArgument(atOnce >= 1, "train.batches_at_once: at least 1, found %s", atOnce);
      checkArgument(
          accumulation % atOnce == 0,
          "train.gradient_accumulation: expected a multiple of train.batches_at_once, %s, found %s",
          atOnce,
          accumulation);
    }

    /** Each batch in a stage of its own. */
    public Batches(int size, int accumulation) {
      this(size, accumulation, 1);
    }
  }

  /**
   * What a step does with the gradients.
   *
   * @param optimizer which, with its numbers
   * @param learningRate of each step
   * @param maxGradNorm to which the norm over all gradients is cut, if given
   * @param mean of the values, which is then the result of the training
   * @param loraPlus factor on the learning rate of each low-rank change's B (Hayou et al. 2024,
   *     LoRA+)
   */
  public record Descent(
      OptimizerKind optimizer,
      LearningRate learningRate,
      OptionalDouble maxGradNorm,
      Optional<RunningMean> mean,
      double loraPlus) {
    private static final String B = ".lora_B.weight";

    /**
     * @throws IllegalArgumentException if a number is out of range or the optimizer takes one rate
     */
    public Descent {
      checkArgument(
          maxGradNorm.isEmpty() || maxGradNorm.getAsDouble() > 0,
          "train.max_grad_norm: must be positive, or 0 for none, found %s",
          maxGradNorm.orElse(0));
      checkArgument(
          loraPlus > 0 && Double.isFinite(loraPlus),
          "train.lora_plus: must be positive, found %s",
          loraPlus);
      checkArgument(
          loraPlus == 1 || optimizer.takesSeveralRates(),
          "train.lora_plus: the optimizer finds one step size for all tensors; leave it out");
    }

    /** Of the last values, every tensor at the same rate. */
    public Descent(OptimizerKind optimizer, LearningRate learningRate, OptionalDouble maxGradNorm) {
      this(optimizer, learningRate, maxGradNorm, Optional.empty(), 1);
    }

    /**
     * Checks that what is trained can be.
     *
     * @throws IllegalArgumentException if no tensor has the rate of {@code loraPlus}
     */
    public void requireFit(Collection<String> trained) {
      checkArgument(
          loraPlus == 1 || trained.stream().anyMatch(name -> name.endsWith(B)),
          "train.lora_plus: expected tensors lora_B to be trained, found %s; leave it out",
          trained.stream().findFirst().orElse("none"));
    }

    /** About how many bytes are remembered for each trained value beside itself. */
    public double rememberedBytesPerValue() {
      return optimizer.bytesPerValue() + (mean.isPresent() ? Float.BYTES : 0);
    }

    /** The learning rate of a tensor in a step, from 0. */
    public double rate(String name, int step) {
      return learningRate.at(step) * (name.endsWith(B) ? loraPlus : 1);
    }

    /** AdamW with torch's defaults at a constant rate, gradients cut to a norm of 1. */
    public static Descent constant(double rate) {
      return new Descent(AdamW.DEFAULT, LearningRate.constant(rate), OptionalDouble.of(1));
    }
  }

  /**
   * What is not shown of some clips.
   *
   * @param caption share of captions replaced by the empty or negative prompt
   * @param picture share of clips that are shown without their picture
   */
  public record Dropout(double caption, double picture) {
    /**
     * @throws IllegalArgumentException if a share is out of range
     */
    public Dropout {
      checkArgument(
          caption >= 0 && caption <= 1, "train.caption_dropout: from 0 to 1, found %s", caption);
      checkArgument(
          picture >= 0 && picture <= 1, "train.picture_dropout: from 0 to 1, found %s", picture);
    }

    /** Captions alone. */
    public static Dropout ofCaptions(double share) {
      return new Dropout(share, 0);
    }

    /** Everything is always shown. */
    public static Dropout none() {
      return new Dropout(0, 0);
    }
  }

  /** Of the squared error. */
  public TrainingSettings(
      long seed,
      int steps,
      Batches batches,
      Descent descent,
      Dropout dropout,
      Activations activations) {
    this(seed, steps, batches, descent, dropout, activations, Loss.squared());
  }

  /** The same with another share of clips without their picture. */
  public TrainingSettings withPictureDropout(double share) {
    var other = new Dropout(dropout.caption(), share);
    return new TrainingSettings(seed, steps, batches, descent, other, activations, loss);
  }

  /** The same with another number of steps. */
  public TrainingSettings withSteps(int count) {
    return new TrainingSettings(seed, count, batches, descent, dropout, activations, loss);
  }

  /**
   * @throws IllegalArgumentException if a value is out of range
   */
  public TrainingSettings {
    checkArgument(steps >= 1, "train.steps: at least 1, found %s", steps);
  }
}
