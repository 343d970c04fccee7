package io.github.tpdiff.runtime.diffusion;

import java.util.List;
import java.util.function.Supplier;

/** Decides which predictions of a network are computed, and what stands for the others. */
public interface PredictionReuse {
  /** Every prediction is computed. */
  static PredictionReuse none() {
    return (stage, steps) -> (step, branch, network) -> network.get();
  }

  /** The predictions of a stage, which is entered. */
  OfStage in(Stage stage, List<SamplerStep> steps);

  /** The predictions of one stage. */
  @FunctionalInterface
  interface OfStage {
    /** The conditional predictions. */
    int CONDITIONAL = 0;

    /** The unconditional ones of guidance. */
    int UNCONDITIONAL = 1;

    /**
     * A prediction.
     *
     * @param step of the stage, from 0
     * @param branch {@link #CONDITIONAL} or {@link #UNCONDITIONAL}
     * @param network computes it
     */
    Latents prediction(int step, int branch, Supplier<Latents> network);
  }
}
