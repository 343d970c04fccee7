package io.github.tpdiff.cli;

import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.diffusion.MagCalibration;
import io.github.tpdiff.runtime.diffusion.MagCalibration.Branch;
import io.github.tpdiff.runtime.video.VideoClip;
import java.io.PrintWriter;
import java.util.DoubleSummaryStatistics;
import java.util.Locale;

/** What a calibration found, as lines. */
record CalibrationText(PrintWriter out) {
  /** A row for each stage. */
  void print(MagCalibration calibration) {
    out.println("stage  steps  ratios of norms      changes from step to step");
    for (MagCalibration.OfStage stage : calibration.stages()) {
      print(stage.stage() + "", stage.timesteps().size(), stage.conditional());
      stage.unconditional().ifPresent(own -> print("without prompt", own.ratios().size() + 1, own));
    }
  }

  private void print(String name, int steps, Branch branch) {
    if (branch.changes().isEmpty()) {
      return;
    }
    DoubleSummaryStatistics ratios =
        branch.ratios().stream().mapToDouble(Double::doubleValue).summaryStatistics();
    DoubleSummaryStatistics changes =
        branch.changes().stream().mapToDouble(Double::doubleValue).summaryStatistics();
    out.printf(
        Locale.ROOT,
        "%5s  %5d  %.4f to %.4f  %.4f to %.4f, mean %.4f%n",
        name,
        steps,
        ratios.getMin(),
        ratios.getMax(),
        changes.getMin(),
        changes.getMax(),
        changes.getAverage());
  }

  /** {@code ‖a − b‖ / ‖b‖}. */
  static double relative(Latents a, Latents b) {
    Latents apart = a.plus(-1, b);
    return Math.sqrt(apart.dot(apart) / b.dot(b));
  }

  /** Peak signal-to-noise ratio in dB of values in [−1, 1]; infinite where both are the same. */
  static double psnr(VideoClip a, VideoClip b) {
    double squares = 0;
    for (int i = 0; i < a.data().length; i++) {
      double apart = a.data()[i] - b.data()[i];
      squares += apart * apart;
    }
    return 10 * Math.log10(4 * a.data().length / squares);
  }
}
