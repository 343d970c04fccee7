package io.github.tpdiff.runtime.cost;

/**
 * What is computed and moved; a multiply-add is two FLOPs.
 *
 * @param linearFlops of matrix products
 * @param convFlops of convolutions
 * @param attentionFlops of both products of attention; its softmax is part of the rate
 * @param bytes read and written by everything else, which memory bounds
 * @param nodes operations started
 */
public record Work(long linearFlops, long convFlops, long attentionFlops, long bytes, long nodes) {
  public static final Work NONE = new Work(0, 0, 0, 0, 0);

  static Work linear(long flops) {
    return new Work(flops, 0, 0, 0, 1);
  }

  static Work conv(long flops) {
    return new Work(0, flops, 0, 0, 1);
  }

  static Work attention(long flops) {
    return new Work(0, 0, flops, 0, 1);
  }

  static Work memory(long bytes) {
    return new Work(0, 0, 0, bytes, 1);
  }

  public long flops() {
    return Math.addExact(linearFlops, Math.addExact(convFlops, attentionFlops));
  }

  public Work plus(Work other) {
    return new Work(
        Math.addExact(linearFlops, other.linearFlops),
        Math.addExact(convFlops, other.convFlops),
        Math.addExact(attentionFlops, other.attentionFlops),
        Math.addExact(bytes, other.bytes),
        Math.addExact(nodes, other.nodes));
  }

  public Work times(long count) {
    return new Work(
        Math.multiplyExact(linearFlops, count),
        Math.multiplyExact(convFlops, count),
        Math.multiplyExact(attentionFlops, count),
        Math.multiplyExact(bytes, count),
        Math.multiplyExact(nodes, count));
  }
}
