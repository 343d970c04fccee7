package io.github.tpdiff.runtime.serving;

import io.github.tpdiff.runtime.diffusion.StageChoice.Decided;
import io.github.tpdiff.runtime.model.PipelineParts;
import io.github.tpdiff.runtime.pipeline.GenerationListener;

/** Counts what is done of a generation in per cent, and passes everything on. */
final class GenerationProgress implements GenerationListener {
  private static final int DENOISED = 90;
  private static final int DECODED = 99;

  private final GenerationListener listener;
  private volatile int percent;

  GenerationProgress(GenerationListener listener) {
    this.listener = listener;
  }

  int percent() {
    return percent;
  }

  @Override
  public void onStages(Decided decided) {
    listener.onStages(decided);
  }

  @Override
  public void onParts(PipelineParts parts) {
    listener.onParts(parts);
  }

  @Override
  public void onPhase(Phase phase) {
    listener.onPhase(phase);
  }

  @Override
  public void onStep(StepDone step) {
    percent = Math.max(percent, (int) ((long) DENOISED * step.done() / step.steps()));
    listener.onStep(step);
  }

  @Override
  public void onFrame(int done, int frames) {
    percent = Math.max(percent, DENOISED + (int) ((long) (DECODED - DENOISED) * done / frames));
    listener.onFrame(done, frames);
  }
}
