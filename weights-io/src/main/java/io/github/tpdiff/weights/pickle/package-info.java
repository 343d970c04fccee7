/**
 * Files of {@code torch.save}, read without executing anything: a closed list of constructors,
 * everything else refused by name.
 */
@NullMarked
package io.github.tpdiff.weights.pickle;

import org.jspecify.annotations.NullMarked;
