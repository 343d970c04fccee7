/**
 * Optimizers as data: which, with which numbers, and what each remembers. The arithmetic of a step
 * is that of whoever has the tensors: an engine on its device, or Java on arrays.
 */
@NullMarked
package io.github.tpdiff.runtime.optim;

import org.jspecify.annotations.NullMarked;
