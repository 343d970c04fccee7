package io.github.tpdiff.runtime.cost;

import static com.google.common.base.Preconditions.checkArgument;

import java.util.List;

/**
 * What one engine on one device sustains; measured by {@link Calibration}.
 *
 * @param linearFlops per second of matrix products
 * @param convFlops per second of convolutions
 * @param attentionFlops per second of attention, softmax included
 * @param bytes per second of what memory bounds
 * @param nodeSeconds to start one operation
 */
public record Machine(
    double linearFlops, double convFlops, double attentionFlops, double bytes, double nodeSeconds) {
  public Machine {
    for (double rate : List.of(linearFlops, convFlops, attentionFlops, bytes)) {
      checkArgument(
          rate > 0 && Double.isFinite(rate), "machine: expected rates above 0, found %s", rate);
    }
    checkArgument(nodeSeconds >= 0, "machine: node seconds: at least 0, found %s", nodeSeconds);
  }

  /** Seconds of one run of what {@code cost} prices. */
  public double predictSeconds(Cost cost) {
    return cost.segments().stream().mapToDouble(this::predictSeconds).sum();
  }

  /**
   * Matrix products of few tokens wait for the weights instead: the longer of both counts. Nothing
   * else overlaps.
   */
  private double predictSeconds(SegmentCost segment) {
    Work work = segment.work();
    double products = work.linearFlops() / linearFlops + work.convFlops() / convFlops;
    double reading = segment.weightBytes() / bytes;
    return Math.max(products, reading)
        + work.attentionFlops() / attentionFlops
        + work.bytes() / bytes
        + work.nodes() * nodeSeconds;
  }
}
