/** AnimateDiff: Stable Diffusion 1.5 with motion modules (Guo et al. 2024). */
@NullMarked
package io.github.tpdiff.adapters.animatediff;

import org.jspecify.annotations.NullMarked;
