package io.github.tpdiff.evaluation.experiment;

import com.google.common.math.Quantiles;
import io.github.tpdiff.runtime.pipeline.GenerationListener;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * How long a video took to denoise.
 *
 * @param size such as {@code 256x256x81}
 * @param steps of the sampler, all stages together
 * @param seconds as many as the steps of each stage at the median of their times: the first of a
 *     stage finds memory and compiles
 */
record TimedVideo(String size, int steps, double seconds) {
  boolean isOf(String otherSize, int otherSteps) {
    return size.equals(otherSize) && steps == otherSteps;
  }

  /** Times steps as they are done. */
  static final class StepTimes implements GenerationListener {
    private final Map<Integer, List<Double>> byStage = new TreeMap<>();

    @Override
    public void onStep(StepDone step) {
      byStage
          .computeIfAbsent(step.stage().number(), stage -> new ArrayList<>())
          .add(step.seconds());
    }

    double seconds() {
      return byStage.values().stream()
          .mapToDouble(times -> times.size() * Quantiles.median().compute(times))
          .sum();
    }
  }
}
