/**
 * Clips of one moving shape whose truth is known, and what can be measured of a clip that is to
 * show such a thing: plain Java on arrays, no network. Lengths are in shorter sides of the picture.
 */
@NullMarked
package io.github.tpdiff.evaluation.shapes;

import org.jspecify.annotations.NullMarked;
