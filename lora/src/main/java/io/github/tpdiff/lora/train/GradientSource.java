package io.github.tpdiff.lora.train;

import io.github.tpdiff.runtime.engine.Trainable;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.IntFunction;

/**
 * Where the loss and the gradients of a step come from.
 *
 * <p>A source is asked for the mean over all batches of a step and makes those batches that it
 * needs: one of several machines makes its share, and averages with the others what it found. The
 * trainer does the same steps either way, on every machine.
 */
@FunctionalInterface
public interface GradientSource {
  /** A source on the network of a run, given the trained tensors' names; closed by the trainer. */
  @FunctionalInterface
  interface Opening {
    GradientSource on(Trainable model, Iterable<String> trained);
  }

  /**
   * The batches of one step.
   *
   * @param count how many
   * @param batches makes the batch of a place in the step, the same however often it is asked
   * @param stopAsked whether the user wants to stop; asked before each batch
   */
  record StepBatches(int count, IntFunction<TrainingBatch> batches, BooleanSupplier stopAsked) {}

  /**
   * What a step found.
   *
   * @param batches of each batch, in order
   * @param gradients the mean of the batches', by weight name
   */
  record StepGradients(List<BatchLoss> batches, Map<String, float[]> gradients) {
    public StepGradients {
      batches = List.copyOf(batches);
    }
  }

  /**
   * The loss of one batch.
   *
   * @param stage its number
   * @param loss mean over its clips, weighted as the batch says
   */
  record BatchLoss(int stage, double loss) {}

  /** This process's engine, one batch after the other. */
  static Opening local() {
    return LocalGradients::new;
  }

  /** The mean over the batches; empty if the user stopped it. */
  Optional<StepGradients> mean(StepBatches step);
}
