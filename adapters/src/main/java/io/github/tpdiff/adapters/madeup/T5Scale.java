package io.github.tpdiff.adapters.madeup;

import io.github.tpdiff.weights.TensorInfo;

/** How large the random tensors of an encoder of T5's kind may be. */
public final class T5Scale {
  private T5Scale() {}

  /** Of a tensor's deviation, over 1/√fan-in. */
  public static double of(TensorInfo info) {
    String name = info.name();
    if (name.endsWith("SelfAttention.q.weight")) {
      return 1 / Math.sqrt(64.0); // the logits are not scaled by the head's width
    }
    return name.endsWith("relative_attention_bias.weight")
        ? 0.1 * Math.sqrt((double) info.shape().get(1))
        : 1;
  }
}
