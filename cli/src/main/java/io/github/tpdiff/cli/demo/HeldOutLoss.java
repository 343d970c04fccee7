package io.github.tpdiff.cli.demo;

import java.util.Map;

/**
 * The loss on clips that were not trained on, by stage number, before and after a training.
 *
 * @param of what was trained
 */
record HeldOutLoss(String of, Map<Integer, Double> before, Map<Integer, Double> after) {}
