package io.github.tpdiff.evaluation.experiment;

import java.util.OptionalDouble;

/**
 * What an arm is to its checkpoint.
 *
 * @param flopsPerStep of an optimizer step, on the mean of the stages that are drawn
 * @param stages in words that differ when they do: losses of the same stages may be compared
 * @param flopsPerVideo of denoising one of the clips that quality is measured on
 * @param flopsPerTimedVideo of denoising one of those that are timed; empty if none are
 */
record ArmFacts(
    double flopsPerStep, String stages, double flopsPerVideo, OptionalDouble flopsPerTimedVideo) {}
