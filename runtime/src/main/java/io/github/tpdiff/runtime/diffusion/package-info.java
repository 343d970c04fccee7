/** Forms, schedules, stage plan, targets, linkage, samplers. */
@NullMarked
package io.github.tpdiff.runtime.diffusion;

import org.jspecify.annotations.NullMarked;
