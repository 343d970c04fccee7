/** A training job as users write it, and what it comes to with a checkpoint. */
@NullMarked
package io.github.tpdiff.lora.job;

import org.jspecify.annotations.NullMarked;
