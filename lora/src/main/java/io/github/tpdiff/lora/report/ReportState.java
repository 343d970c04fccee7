package io.github.tpdiff.lora.report;

import io.github.tpdiff.lora.train.TrainingProgress;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * What a page shows at one moment.
 *
 * @param status how the run stands
 * @param step steps done
 * @param steps in all
 * @param progress of the last step of this run, if there was one
 * @param charts the curves so far
 * @param samples files, relative to the page's folder
 * @param warnings a line each
 * @param written when
 */
record ReportState(
    Status status,
    int step,
    int steps,
    Optional<TrainingProgress> progress,
    List<CurveChart> charts,
    List<Sample> samples,
    List<String> warnings,
    Instant written) {
  /** How a run stands. */
  enum Status {
    RUNNING,
    STOPPED,
    FINISHED
  }

  /**
   * A sampled video.
   *
   * @param step steps done
   * @param prompt its number
   * @param file relative to the page's folder
   */
  record Sample(int step, int prompt, String file) {}
}
