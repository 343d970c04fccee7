/**
 * The mathematics of diffusion over a temporal pyramid (Ran & Shou, "TPDiff", ICLR 2026), in plain
 * Java: no engine, no files.
 *
 * <pre>
 *   {@link io.github.tpdiff.runtime.diffusion.DiffusionForm}    x_t = γ x_0 + σ ε, and the coordinates (y, τ) in which everything is a line
 *   {@link io.github.tpdiff.runtime.diffusion.NoiseSchedule}    where a sampler asks the network; the published grids
 *   {@link io.github.tpdiff.runtime.diffusion.PredictionType}   what a network predicts, and dy/dτ from it
 *   {@link io.github.tpdiff.runtime.diffusion.Sampler}          Euler/DDIM, Heun, DPM-Solver++(2M), UniPC-2, ancestral, SDE, each one short function
 *   {@link io.github.tpdiff.runtime.diffusion.Samplers}         the same by name
 *   {@link io.github.tpdiff.runtime.diffusion.Scheduler}        a published scheduler_config.json as a schedule and a sampler
 *   {@link io.github.tpdiff.runtime.diffusion.StageConfig}      what a user chooses of a pyramid
 *   {@link io.github.tpdiff.runtime.diffusion.StagePlan}        its stages for one clip length: frames, boundaries, targets, linkage
 *   {@link io.github.tpdiff.runtime.diffusion.StagedSampler}    noise → stage K → linkage → … → stage 1 → latents
 *   {@link io.github.tpdiff.runtime.diffusion.Alignment}        which noise each clip is trained with
 * </pre>
 */
@NullMarked
package io.github.tpdiff.runtime.diffusion;

import org.jspecify.annotations.NullMarked;
