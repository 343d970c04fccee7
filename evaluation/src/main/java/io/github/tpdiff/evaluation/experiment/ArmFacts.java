package io.github.tpdiff.evaluation.experiment;

/**
 * What an arm is to its checkpoint.
 *
 * @param flopsPerStep of an optimizer step, on the mean of the stages that are drawn
 * @param stages in words that differ when they do: losses of the same stages may be compared
 */
record ArmFacts(double flopsPerStep, String stages) {}
