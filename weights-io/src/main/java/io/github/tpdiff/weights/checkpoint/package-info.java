/**
 * Finds the right reader for a path: {@link io.github.tpdiff.weights.checkpoint.Checkpoint#open}
 * takes a file of any format or a folder of shards.
 */
@NullMarked
package io.github.tpdiff.weights.checkpoint;

import org.jspecify.annotations.NullMarked;
