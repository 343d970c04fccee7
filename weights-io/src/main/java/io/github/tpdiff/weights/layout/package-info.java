/** Names of the same tensors in the layouts that checkpoints are published in. */
@NullMarked
package io.github.tpdiff.weights.layout;

import org.jspecify.annotations.NullMarked;
