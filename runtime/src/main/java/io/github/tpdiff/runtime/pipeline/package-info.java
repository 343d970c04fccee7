/**
 * Prompt to latents to video, over the interfaces that both engines implement, and what a model
 * family must offer to take part.
 */
@NullMarked
package io.github.tpdiff.runtime.pipeline;

import org.jspecify.annotations.NullMarked;
