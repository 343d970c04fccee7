package io.github.tpdiff.runtime.diffusion;

/**
 * One example of phased training.
 *
 * @param input noisy latents for the network, at the stage's frame count
 * @param timestep what the network is told
 * @param target what it should predict
 * @param stage the stage, whose {@linkplain Stage#positions frame positions} the network gets
 */
public record TrainingExample(Latents input, double timestep, Latents target, Stage stage) {}
