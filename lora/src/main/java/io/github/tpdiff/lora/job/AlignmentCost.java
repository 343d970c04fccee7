package io.github.tpdiff.lora.job;

import io.github.tpdiff.lora.train.TrainingSettings.Batches;
import io.github.tpdiff.runtime.diffusion.Alignment;
import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.diffusion.LowFrequencies;
import io.github.tpdiff.runtime.diffusion.NoiseSource;
import io.github.tpdiff.runtime.diffusion.Stage;
import io.github.tpdiff.runtime.pipeline.VideoSize;

/**
 * What aligning noises costs beside training: for each stage of a window, a noise is drawn and
 * projected for each clip, and a clip is read and projected. The assignment itself is nothing
 * beside it.
 */
final class AlignmentCost {
  /** A fraction of a second's work, of the size of a small clip. */
  private static final LatentShape PROBE = new LatentShape(1, 16, 8, 32, 32);

  private AlignmentCost() {}

  /** Seconds of one core for an optimizer step, at most; 0 without alignment. */
  static double secondsPerStep(ResolvedJob job) {
    Alignment alignment = job.diffusion().alignment();
    Batches batches = job.job().train().settings().batches();
    if (alignment.reach() == Alignment.Reach.NONE || alignment.clips(batches.size()) < 2) {
      return 0;
    }
    double values = 0;
    for (VideoSize size : job.sizes()) {
      LatentShape shape =
          size.latentShape(job.model().description().latents(), job.diffusion().stages());
      for (Stage stage : job.diffusion().plan(shape.grid()).stages()) {
        values += shape.withGrid(stage.grid().size()).elements() / (double) job.sizes().size();
      }
    }
    // A window's clips are as many as its batches train on.
    return values * batches.size() * batches.accumulation() * secondsPerValue();
  }

  private static double secondsPerValue() {
    for (int i = 0; i < 3; i++) {
      draw(i); // The first ones are compiled meanwhile.
    }
    long began = System.nanoTime();
    draw(3);
    return (System.nanoTime() - began) * 1e-9 / PROBE.elements();
  }

  private static void draw(int seed) {
    Latents noise = NoiseSource.seeded(seed).draw(PROBE);
    if (!LowFrequencies.of(noise).isFinite()) {
      throw new IllegalStateException("noise that is not finite");
    }
  }
}
