package io.github.tpdiff.runtime.diffusion;

import java.util.Optional;

/**
 * The clean latents between which a stage runs. They belong to one clip; nothing else ties them.
 *
 * @param own x^(k), on the stage's grid
 * @param coarser x^(k+1), on the grid of the stage before; empty for the first stage
 */
public record CleanPair(Latents own, Optional<Latents> coarser) {}
