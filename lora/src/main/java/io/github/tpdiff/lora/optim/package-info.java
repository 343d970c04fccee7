/** Optimisation on host arrays, with torch's arithmetic. */
@NullMarked
package io.github.tpdiff.lora.optim;

import org.jspecify.annotations.NullMarked;
