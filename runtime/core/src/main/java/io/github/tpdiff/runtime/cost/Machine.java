package io.github.tpdiff.runtime.cost;

import static com.google.common.base.Preconditions.checkArgument;

import java.util.List;

/**
 * What one engine on one device sustains; measured by {@link Calibration}.
 *
 * @param linear matrix products
 * @param conv convolutions
 * @param attentionFlops per second of attention, softmax included
 * @param bytes per second of what memory bounds
 * @param nodeSeconds to start one operation
 */
public record Machine(
    Products linear, Products conv, double attentionFlops, double bytes, double nodeSeconds) {
  /**
   * Products with weights.
   *
   * @param flops per second
   * @param weights values per second that are read, and rearranged for the product, before it
   */
  public record Products(double flops, double weights) {
    double seconds(Work.Products work) {
      return work.flops() / flops + work.weights() / weights;
    }
  }

  public Machine {
    for (double rate :
        List.of(linear.flops, linear.weights, conv.flops, conv.weights, attentionFlops, bytes)) {
      checkArgument(
          rate > 0 && Double.isFinite(rate), "machine: expected rates above 0, found %s", rate);
    }
    checkArgument(nodeSeconds >= 0, "machine: node seconds: at least 0, found %s", nodeSeconds);
  }

  /** Seconds of one run of what {@code cost} prices; nothing overlaps. */
  public double predictSeconds(Cost cost) {
    return predictSeconds(cost.work());
  }

  /** Seconds of some work; nothing overlaps. */
  public double predictSeconds(Work work) {
    return linear.seconds(work.linear())
        + conv.seconds(work.conv())
        + work.attentionFlops() / attentionFlops
        + work.bytes() / bytes
        + work.nodes() * nodeSeconds;
  }
}
