/**
 * Experiments: the same budget of computing spent on several ways to train, each a job of the usual
 * trainer, and what quality each has come to at points of it.
 */
@NullMarked
package io.github.tpdiff.evaluation.experiment;

import org.jspecify.annotations.NullMarked;
