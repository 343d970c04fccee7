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

  /**
   * Computes attention; the variables of its result by heads [B, h, N, d] and of the logarithms of
   * its sums [B, h, N].
   */
  static List<String> attend(Op.Attention op, Value node, MethodWriter at) {
    String result = at.fresh("o");
    String sums = at.fresh("l");
    at.line(
        "%s, %s, = torch._scaled_dot_product_flash_attention_for_cpu(%s, 0., False, attn_mask=None, scale=%s)"
            .formatted(
                result, sums, AttentionRules.queriesKeysValues(op, node, at), number(op.scale())));
    at.assign(node, AttentionRules.joined(result, node, at));
    return List.of(result, sums);
  }
}
