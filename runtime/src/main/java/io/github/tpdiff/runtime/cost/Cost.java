package io.github.tpdiff.runtime.cost;

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

  /** The weights that must be there at once when they are streamed segment by segment. */
  public long largestSegmentWeightBytes() {
    return segments.stream().mapToLong(SegmentCost::weightBytes).max().orElse(0);
  }

  /** Weights read and activations moved by what memory bounds. */
  public long bytesMoved() {
    return Math.addExact(weightBytes(), work().bytes());
  }

  /** The longest sequence that attention sees, 0 without attention. */
  public long tokens() {
    return segments.stream().mapToLong(SegmentCost::tokens).max().orElse(0);
  }

  /**
   * One training step with gradient checkpointing per segment: forward, forward again, and a
   * backward of twice the forward's work.
   */
  public Work trainingWork() {
    return work().times(4);
  }

  /**
   * Activations of a training step: every named value is kept, and one segment's activations. The
   * optimiser's state is the trainer's own.
   */
  public long trainingPeakBytes() {
    long largest = segments.stream().mapToLong(SegmentCost::activationBytes).max().orElse(0);
    return Math.addExact(namedBytes, largest);
  }
}
