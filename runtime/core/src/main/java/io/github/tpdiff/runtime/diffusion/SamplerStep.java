package io.github.tpdiff.runtime.diffusion;

/**
 * One step of a sampler: from {@code time} to {@code next}, with what the network is told.
 *
 * @param time where the network is asked
 * @param next where the step ends; usually the following step's {@code time}
 * @param timestep what the network is told, in the checkpoint's own way (Wan's UniPC cuts it to an
 *     integer)
 */
public record SamplerStep(double time, double next, double timestep) {}
