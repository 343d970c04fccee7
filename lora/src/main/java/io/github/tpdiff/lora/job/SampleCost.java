package io.github.tpdiff.lora.job;

import io.github.tpdiff.runtime.cost.PlanCost;
import io.github.tpdiff.runtime.pipeline.GenerationRequest;

/**
 * What denoising a video takes, in the stages of a job and of the checkpoint's weights: what is
 * trained is merged into them, where it is used.
 */
public final class SampleCost {
  private SampleCost() {}

  /**
   * Prices a video; what its request leaves open is as in the job's samples.
   *
   * @throws IllegalArgumentException if it does not fit the model or the job's stages
   */
  public static PlanCost of(ResolvedJob job, GenerationRequest request) {
    return new JobSamples(job).cost(request);
  }
}
