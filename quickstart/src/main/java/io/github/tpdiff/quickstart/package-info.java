/** A program of a few lines that makes videos, as a user writes it. */
@NullMarked
package io.github.tpdiff.quickstart;

import org.jspecify.annotations.NullMarked;
