/**
 * The model as data: named values flow through named components.
 *
 * <pre>
 *   {@link io.github.tpdiff.runtime.model.ModelFamily}         opens a checkpoint of its kind as a
 *   {@link io.github.tpdiff.runtime.model.VideoModel}          value: programs over mapped weights, with their
 *   {@link io.github.tpdiff.runtime.model.ModelDescription}    which is also in every exported folder; its
 *   {@link io.github.tpdiff.runtime.model.Flow}                names components, texts, denoisers and the
 *   {@link io.github.tpdiff.runtime.model.Condition}           values that a network is conditioned on, which
 *   {@link io.github.tpdiff.runtime.model.PromptEncoder}       and the pipeline's PictureEncoder make, and which
 *   {@link io.github.tpdiff.runtime.model.ConditionedNetwork}  gives a network with the inputs of each step
 * </pre>
 */
@NullMarked
package io.github.tpdiff.runtime.model;

import org.jspecify.annotations.NullMarked;
