/**
 * Checkpoints with made-up weights, in the published layouts: what all families' have in common.
 */
@NullMarked
package io.github.tpdiff.adapters.madeup;

import org.jspecify.annotations.NullMarked;
