package io.github.tpdiff.runtime.torch;

import static io.github.tpdiff.runtime.torch.MethodWriter.number;

import io.github.tpdiff.runtime.graph.Op;
import io.github.tpdiff.runtime.graph.Value;
import java.util.List;

/**
 * What a forward pass leaves of a product for the backward pass, so that it need not be made again:
 * of attention its result by heads and the logarithms of its sums (Dao et al. 2022, algorithm 2),
 * of any other product its result.
 */
final class Keepsake {
  private Keepsake() {}

  /** How many tensors are left of a node. */
  static int count(Value node) {
    return node.op() instanceof Op.Attention ? 2 : 1;
  }

  /** Computes a node; the variables of what is left of it. */
  static List<String> write(Value node, MethodWriter at) {
    if (!(node.op() instanceof Op.Attention attention)) {
      at.assign(node);
      return List.of(at.stored(node));
    }
    List<String> kept = attend(attention, node, at);
    at.assign(node, OpRules.joined(kept.get(0), node, at));
    return kept;
  }

  /** Computes attention's result by heads [B, h, N, d] and the logarithms of its sums [B, h, N]. */
  private static List<String> attend(Op.Attention op, Value node, MethodWriter at) {
    String result = at.fresh("o");
    String sums = at.fresh("l");
    at.line(
        "%s, %s, = torch._scaled_dot_product_flash_attention_for_cpu(%s, 0., False, attn_mask=None, scale=%s)"
            .formatted(result, sums, OpRules.queriesKeysValues(op, node, at), number(op.scale())));
    return List.of(result, sums);
  }
}
