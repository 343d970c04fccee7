package io.github.tpdiff.runtime.cost;

import java.util.List;

/**
 * The price of running a program once.
 *
 * @param segments in order
 * @param peakBytes most bytes of activations alive at once: named values between segments and one
 *     segment's own; weights not counted
 */
public record Cost(List<SegmentCost> segments, long peakBytes) {
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
}
