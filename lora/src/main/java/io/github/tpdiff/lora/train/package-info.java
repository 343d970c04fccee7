/** Phased training on cached latents: resumable, and a function of the seed and the data alone. */
@NullMarked
package io.github.tpdiff.lora.train;

import org.jspecify.annotations.NullMarked;
