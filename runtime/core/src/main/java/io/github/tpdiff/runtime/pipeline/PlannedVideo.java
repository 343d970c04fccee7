package io.github.tpdiff.runtime.pipeline;

import io.github.tpdiff.runtime.diffusion.PredictionReuse;
import io.github.tpdiff.runtime.diffusion.StageChoice.Decided;
import io.github.tpdiff.runtime.diffusion.StagedSampler;
import java.util.Optional;

/**
 * What a request comes to with the parts of a pipeline, of which nothing is made yet.
 *
 * @param request everything said
 * @param stages that it is made in
 * @param sampler every step through them
 * @param reuse of predictions, for this one video
 */
public record PlannedVideo(
    VideoRequest request, Decided stages, StagedSampler sampler, Optional<PredictionReuse> reuse) {

  /** The same with other predictions computed. */
  public PlannedVideo reusing(PredictionReuse other) {
    return new PlannedVideo(request, stages, sampler, Optional.of(other));
  }
}
