package io.github.tpdiff.runtime.cost;

import io.github.tpdiff.runtime.engine.Activations;
import java.util.List;

/**
 * The price of running a program once.
 *
 * @param segments in order
 * @param peakBytes most bytes of activations alive at once: named values between segments and one
 *     segment's own; weights not counted
 * @param namedBytes of all named values together, which gradient checkpointing keeps
 */
public record Cost(List<SegmentCost> segments, long peakBytes, long namedBytes) {
  public Cost {
    segments = List.copyOf(segments);
  }

  public Work work() {
    return segments.stream().map(SegmentCost::work).reduce(Work.NONE, Work::plus);
  }

  public long flops() {
    return work().flops();
  }

  /** Of all weights as stored. */
  public long weightBytes() {
    return segments.stream().mapToLong(SegmentCost::weightBytes).sum();
  }

  /** The longest sequence that attention sees, 0 without attention. */
  public long tokens() {
    return segments.stream().mapToLong(SegmentCost::tokens).max().orElse(0);
  }

  /**
   * How many forward passes' work a training step is: forward, a backward of twice that, and where
   * activations are recomputed forward again.
   */
  public static int forwardPasses(Activations activations) {
    return activations == Activations.KEPT ? 3 : 4;
  }

  /**
   * Bytes of a training step beside what is trained: every named value, and either one segment's
   * activations and weights or all of them. The optimiser's state is the trainer's own.
   */
  public long trainingPeakBytes(Activations activations) {
    var ofSegments =
        segments.stream().mapToLong(s -> Math.addExact(s.activationBytes(), s.weightBytes()));
    return Math.addExact(
        namedBytes,
        activations == Activations.KEPT ? ofSegments.sum() : ofSegments.max().orElse(0));
  }
}
