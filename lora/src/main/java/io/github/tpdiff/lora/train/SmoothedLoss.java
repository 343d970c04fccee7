package io.github.tpdiff.lora.train;

import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;

/**
 * The running mean of each stage's loss: of all its values at first, then with a weight of 1/50 on
 * each new one. Losses of single steps scatter too much to be read.
 */
final class SmoothedLoss {
  private static final int MEMORY = 50;

  private record Mean(double value, int count) {
    Mean with(double loss) {
      int more = Math.min(count + 1, MEMORY);
      return new Mean(value + (loss - value) / more, more);
    }
  }

  private final Map<Integer, Mean> means = new TreeMap<>(Collections.reverseOrder());

  void add(Map<Integer, Double> losses) {
    losses.forEach(
        (stage, loss) -> means.put(stage, means.getOrDefault(stage, new Mean(0, 0)).with(loss)));
  }

  /** By stage, the coarsest first; stages that were not visited yet are not there. */
  Map<Integer, Double> values() {
    var values = new TreeMap<Integer, Double>(Collections.reverseOrder());
    means.forEach((stage, mean) -> values.put(stage, mean.value()));
    return Collections.unmodifiableMap(values);
  }
}
