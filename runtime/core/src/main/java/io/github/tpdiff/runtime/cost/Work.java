package io.github.tpdiff.runtime.cost;

/**
 * What is computed and moved; a multiply-add is two FLOPs.
 *
 * @param linear matrix products
 * @param conv convolutions
 * @param attentionFlops of both products of attention; its softmax is part of the rate
 * @param bytes read and written by everything else, which memory bounds
 * @param nodes operations started
 */
public record Work(Products linear, Products conv, long attentionFlops, long bytes, long nodes) {
  /**
   * Products with weights.
   *
   * @param flops that grow with what is multiplied
   * @param weights values that are read, and rearranged, however little is multiplied
   */
  public record Products(long flops, long weights) {
    static final Products NONE = new Products(0, 0);

    Products times(double factor) {
      return new Products(Math.round(flops * factor), Math.round(weights * factor));
    }

    Products plus(Products other) {
      return new Products(Math.addExact(flops, other.flops), Math.addExact(weights, other.weights));
    }
  }

  public static final Work NONE = new Work(Products.NONE, Products.NONE, 0, 0, 0);

  static Work linear(Products products) {
    return new Work(products, Products.NONE, 0, 0, 1);
  }

  static Work conv(Products products) {
    return new Work(Products.NONE, products, 0, 0, 1);
  }

  static Work attention(long flops) {
    return new Work(Products.NONE, Products.NONE, flops, 0, 1);
  }

  static Work memory(long bytes) {
    return new Work(Products.NONE, Products.NONE, 0, bytes, 1);
  }

  public long flops() {
    return Math.addExact(linear.flops, Math.addExact(conv.flops, attentionFlops));
  }

  /** As much of everything so many times; weights are read as often. */
  Work times(double factor) {
    return new Work(
        linear.times(factor),
        conv.times(factor),
        Math.round(attentionFlops * factor),
        Math.round(bytes * factor),
        Math.round(nodes * factor));
  }

  public Work plus(Work other) {
    return new Work(
        linear.plus(other.linear),
        conv.plus(other.conv),
        Math.addExact(attentionFlops, other.attentionFlops),
        Math.addExact(bytes, other.bytes),
        Math.addExact(nodes, other.nodes));
  }
}
