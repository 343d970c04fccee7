/** Metrics of generated videos, data sets of known truth, experiments. */
@NullMarked
package io.github.tpdiff.evaluation;

import org.jspecify.annotations.NullMarked;
