package io.github.tpdiff.lora.job;

import io.github.tpdiff.lora.data.PreparationReport;
import io.github.tpdiff.runtime.cost.FrozenBytes;
import java.util.Locale;

/**
 * Bytes that a training is predicted to need at least where it computes.
 *
 * @param activations of the largest batch, made again in the backward pass unless the job forbids
 * @param offloadedActivations the same where values between segments wait on the host
 * @param frozen weights
 * @param trained weights, their gradients, and what the optimizer remembers
 */
public record TrainingBytes(
    long activations, long offloadedActivations, FrozenBytes frozen, long trained) {
  /** Those of a job on its data. */
  public static TrainingBytes of(ResolvedJob job, PreparationReport data) {
    int size = job.job().train().settings().batches().size();
    var batches = job.training(data).batches(size, job.preparation().shares());
    return StepPricing.of(job).leastBytes(StepPricing.sizes(job, batches));
  }

  /** With everything there. */
  long whole() {
    return activations + frozen.all() + trained;
  }

  /** With what is offloaded on the host. */
  long offloaded() {
    return offloadedActivations + frozen.offloaded() + trained;
  }

  /** For people. */
  String words() {
    return String.format(
        Locale.ROOT,
        "a device with memory of its own: at least %.2f GB, with train.offload %.2f GB (frozen"
            + " weights %.2f or %.2f, what is trained %.2f, activations %.2f or %.2f)",
        whole() / 1e9,
        offloaded() / 1e9,
        frozen.all() / 1e9,
        frozen.offloaded() / 1e9,
        trained / 1e9,
        activations / 1e9,
        offloadedActivations / 1e9);
  }
}
