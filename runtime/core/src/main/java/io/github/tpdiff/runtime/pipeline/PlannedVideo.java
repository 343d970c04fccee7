package io.github.tpdiff.runtime.pipeline;

import io.github.tpdiff.runtime.diffusion.StageChoice.Decided;
import io.github.tpdiff.runtime.diffusion.StagedSampler;

/**
 * What a request comes to with the parts of a pipeline, of which nothing is made yet.
 *
 * @param request everything said
 * @param stages that it is made in
 * @param sampler every step through them
 */
public record PlannedVideo(VideoRequest request, Decided stages, StagedSampler sampler) {}
