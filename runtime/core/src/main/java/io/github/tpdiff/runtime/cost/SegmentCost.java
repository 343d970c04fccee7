package io.github.tpdiff.runtime.cost;

/**
 * One segment's price.
 *
 * @param weightBytes of its weights as stored
 * @param peakBytes most bytes of activations alive at once, its named inputs not counted
 * @param tokens the longest query sequence of its attentions, 0 without attention
 */
public record SegmentCost(String name, Work work, long weightBytes, long peakBytes, long tokens) {}
