/**
 * Named tensors and where their bytes lie: the contracts every checkpoint format implements.
 *
 * <p>Formats live in subpackages; {@code checkpoint.Checkpoint} finds the right one for a path.
 */
@NullMarked
package io.github.tpdiff.weights;

import org.jspecify.annotations.NullMarked;
