/**
 * What a program costs before it runs: FLOPs, bytes, peak memory, and seconds on a machine that was
 * measured once.
 */
@NullMarked
package io.github.tpdiff.runtime.cost;

import org.jspecify.annotations.NullMarked;
