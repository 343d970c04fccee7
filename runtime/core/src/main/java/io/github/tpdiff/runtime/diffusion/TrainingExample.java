package io.github.tpdiff.runtime.diffusion;

/**
 * One example of phased training.
 *
 * @param input noisy latents for the network, on the stage's grid
 * @param timestep what the network is told
 * @param target what it should predict
 * @param stage the stage, whose {@linkplain Stage#grid grid} the network gets
 */
public record TrainingExample(Latents input, double timestep, Latents target, Stage stage) {}
