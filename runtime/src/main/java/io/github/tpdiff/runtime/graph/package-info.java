/** Symbolic tensor programs, defined once. */
@NullMarked
package io.github.tpdiff.runtime.graph;

import org.jspecify.annotations.NullMarked;
