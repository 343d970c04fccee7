/**
 * Data sets as they are published, made into lists that jobs take, with counts of what was left out
 * and hashes of what was taken.
 */
@NullMarked
package io.github.tpdiff.evaluation.data;

import org.jspecify.annotations.NullMarked;
