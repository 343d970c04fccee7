/** Clips and captions as training sees them: latents and text embeddings, cached on disk. */
@NullMarked
package io.github.tpdiff.lora.data;

import org.jspecify.annotations.NullMarked;
