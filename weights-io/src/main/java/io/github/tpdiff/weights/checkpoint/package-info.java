/** Finds the right reader for a path. */
@NullMarked
package io.github.tpdiff.weights.checkpoint;

import org.jspecify.annotations.NullMarked;
