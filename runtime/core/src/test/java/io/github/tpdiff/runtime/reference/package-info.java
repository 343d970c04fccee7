/**
 * The slow oracle: a plain-Java interpreter of programs that shares no code with the engines, so
 * that what they compute can be checked against it.
 */
@NullMarked
package io.github.tpdiff.runtime.reference;

import org.jspecify.annotations.NullMarked;
