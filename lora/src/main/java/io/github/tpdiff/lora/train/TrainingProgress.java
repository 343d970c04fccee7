package io.github.tpdiff.lora.train;

import java.util.Map;

/**
 * One step done.
 *
 * @param step steps done, from 1
 * @param steps steps in all
 * @param epoch passes over the data, so far
 * @param loss mean over the step's batches
 * @param stageLosses mean by the stages that the step visited
 * @param smoothedLosses running means by stage, the coarsest first; of the stages visited so far
 * @param gradientNorm before clipping
 * @param learningRate of the step
 * @param stepsPerSecond since this run began
 * @param left expected until the end
 */
public record TrainingProgress(
    int step,
    int steps,
    double epoch,
    double loss,
    Map<Integer, Double> stageLosses,
    Map<Integer, Double> smoothedLosses,
    double gradientNorm,
    double learningRate,
    double stepsPerSecond,
    Remaining left) {}
