/**
 * Prompt to latents to video, over the interfaces that both engines implement, and what a model
 * family must offer to take part.
 *
 * <pre>
 *   {@link io.github.tpdiff.runtime.model.ModelFamily}        opens a checkpoint of its kind as a
 *   {@link io.github.tpdiff.runtime.model.VideoModel}         programs over mapped weights; on an engine they are
 *   {@link io.github.tpdiff.runtime.model.PipelineParts}      what a pipeline is made of, of a checkpoint or an exported folder
 *   {@link io.github.tpdiff.runtime.pipeline.GenerationRequest}  what is to be seen, how large, in which stages
 *   {@link io.github.tpdiff.runtime.pipeline.VideoPipeline}      makes of both a
 *   {@link io.github.tpdiff.runtime.pipeline.GeneratedVideo}     latents, and the video that they decode to
 * </pre>
 *
 * <p>What is opened is closed by whoever opened it; parts are loaded when they are needed and freed
 * when they are done with.
 */
@NullMarked
package io.github.tpdiff.runtime.pipeline;

import org.jspecify.annotations.NullMarked;
