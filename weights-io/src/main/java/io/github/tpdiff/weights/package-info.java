/** Checkpoints in and out. */
@NullMarked
package io.github.tpdiff.weights;

import org.jspecify.annotations.NullMarked;
