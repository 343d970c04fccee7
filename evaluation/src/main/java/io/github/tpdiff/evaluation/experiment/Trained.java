package io.github.tpdiff.evaluation.experiment;

import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;

/**
 * What was seen of a training on its way from one point to the next.
 *
 * @param step steps done at the point
 * @param secondsPerStep mean of the steps that were timed, validation and videos not counted
 * @param losses on clips held out, by stage; empty where none are
 * @param videoSeconds mean of denoising one video
 */
record Trained(int step, double secondsPerStep, Map<Integer, Double> losses, double videoSeconds) {
  Trained {
    losses = Collections.unmodifiableMap(new TreeMap<>(losses));
  }
}
