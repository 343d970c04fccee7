package io.github.tpdiff.runtime.graph;

import java.util.Arrays;
import java.util.List;

/**
 * The operations a model is written in. Each is a small record of attributes; {@link Value} builds
 * and checks them, and every lowering has one rule for each.
 *
 * <p>Shapes below are of the inputs in order; an input in brackets may be absent.
 */
public sealed interface Op {
  /** A tensor given when the graph runs. */
  record Input(String name) implements Op {}

  /** A tensor of the checkpoint, by its name there; row-major, outermost first, fp32 semantics. */
  record Weight(String name) implements Op {}

  /** Numbers fixed in the graph. */
  record FloatConstant(List<Float> values) implements Op {
    public FloatConstant {
      values = List.copyOf(values);
    }
  }

  /** Indices fixed in the graph. */
  record LongConstant(List<Long> values) implements Op {
    public LongConstant {
      values = List.copyOf(values);
    }
  }

  /** x [..., in], weight [out, in], [bias [out]] to [..., out]: x Wᵀ + b. */
  record Linear() implements Op {}

  /**
   * Cross-correlation over the last {@code strides.size()} axes: x [B, C, s...], weight [O, C,
   * k...], [bias [O]] to [B, O, s'...], zeros outside; s' = floor((s + before + after - k) /
   * stride) + 1.
   */
  record Conv(List<Integer> strides, List<Integer> padBefore, List<Integer> padAfter)
      implements Op {
    public Conv {
      strides = List.copyOf(strides);
      padBefore = List.copyOf(padBefore);
      padAfter = List.copyOf(padAfter);
      if (strides.size() != padBefore.size() || strides.size() != padAfter.size()) {
        throw new GraphException(
            "conv: strides, padBefore, padAfter must have one entry per spatial axis");
      }
    }
  }

  /**
   * softmax(scale · q kᵀ + bias) v per head: q [B, Nq, h·d], k [B, Nk, h·d], v [B, Nk, h·dv],
   * [bias, broadcast to [B, h, Nq, Nk]] to [B, Nq, h·dv].
   */
  record Attention(int heads, double scale) implements Op {}

  /**
   * Rotates the pairs (2j, 2j+1) of each head: x [B, N, h·d], cos [N, d/2], sin [N, d/2] to the
   * shape of x.
   */
  record Rotary(int heads) implements Op {}

  /** (x − mean) / sqrt(var + eps) over the last axis, biased variance; [weight [D], bias [D]]. */
  record LayerNorm(double eps) implements Op {}

  /** x / sqrt(mean(x²) + eps) · weight over the last axis: x [..., D], weight [D]. */
  record RmsNorm(double eps) implements Op {}

  /**
   * (x − mean) / sqrt(var + eps) · weight + bias for each sample and each of {@code groups} runs of
   * neighbouring channels, over all positions, biased variance: x [B, C, s...], weight [C], bias
   * [C].
   */
  record GroupNorm(int groups, double eps) implements Op {}

  /** x / max(‖x‖₂, 1e-12) along {@code axis}. */
  record L2Normalize(int axis) implements Op {}

  /** ‖x‖₂ along {@code axis}, which stays with extent 1. */
  record L2Norm(int axis) implements Op {}

  /** x as it is; no gradient passes through it. */
  record Detach() implements Op {}

  /**
   * Elements set to zero and the others divided by 1 − share, by bits that are a function of the
   * seed, the layer and the place alone: x [..., n], seed (I64) [1], layer (I64) [1] to the shape
   * of x; the same on every device, made again as often as one likes. A negative seed drops none.
   *
   * <p>In 32 bits, with mix(h): h ^= h ⋙ 16, h *= 0x7feb352d, h ^= h ⋙ 15, h *= 0x846ca68b, and
   * hash(h): mix, then h ^= h ⋙ 16 (Wellons 2018, "Prospecting for Hash Functions", lowbias32): key
   * = hash(hash(seed) ^ layer), and element j of row i, all axes but the last counted as one, stays
   * where mix(hash(key ^ i) ^ hash(~key ^ j)), signed, is at least {@link #least}.
   *
   * @param share of the elements that are dropped; in (0, 1)
   */
  record Dropout(double share) implements Op {
    public Dropout {
      if (!(share > 0 && share < 1)) {
        throw new GraphException("dropout: expected a share in (0, 1), found " + share);
      }
    }

    /** The least of all 32-bit numbers by which an element stays. */
    public int least() {
      return (int) Math.min(Integer.MAX_VALUE, Math.round(share * 0x1p32) + Integer.MIN_VALUE);
    }

    /** The factor on what stays. */
    public float scale() {
      return (float) (1 / (1 - share));
    }
  }

  /** Elementwise with broadcasting. */
  record Binary(BinaryKind kind) implements Op {}

  /** The arithmetic of {@link Binary}. */
  enum BinaryKind {
    ADD,
    SUB,
    MUL,
    DIV
  }

  /** Elementwise. */
  record Unary(UnaryKind kind) implements Op {}

  /**
   * The functions of {@link Unary}; both forms of GELU, its approximation x·sigmoid(1.702·x),
   * silu(x) = x·sigmoid(x).
   */
  enum UnaryKind {
    GELU_TANH,
    GELU_ERF,
    QUICK_GELU,
    SILU,
    SIGMOID,
    TANH,
    EXP,
    SQRT,
    SIN,
    COS
  }

  /** Limits every element to [min, max]. */
  record Clamp(double min, double max) implements Op {}

  /** The same elements in another shape; the node's shape is the target. */
  record Reshape() implements Op {}

  /** Axis i of the result is axis permutation[i] of x. */
  record Transpose(List<Integer> permutation) implements Op {
    public Transpose {
      permutation = List.copyOf(permutation);
    }
  }

  /** Joins along {@code axis}. */
  record Concat(int axis) implements Op {}

  /** Elements from, from + 1, … to − 1 along {@code axis}; 0 ≤ from ≤ to ≤ extent. */
  record Slice(int axis, Dim from, Dim to) implements Op {}

  /** Zeros added before and after along each axis. */
  record Pad(List<Integer> before, List<Integer> after) implements Op {
    public Pad {
      before = List.copyOf(before);
      after = List.copyOf(after);
    }
  }

  /** Every element repeated factors[i] times in a row along axis i (nearest upsampling). */
  record Repeat(List<Integer> factors) implements Op {
    public Repeat {
      factors = List.copyOf(factors);
    }
  }

  /** x broadcast to the node's shape. */
  record Expand() implements Op {}

  /** Rows of a table: table [n, r...], ids (I64) [i...] to [i..., r...]. */
  record Gather() implements Op {}

  /** Index of the first of the largest elements of the last axis: x [..., n] to I64 [...]. */
  record ArgMax() implements Op {}

  /** 0, 1, … count − 1 as I64 [count]. */
  record Arange(Dim count) implements Op {}

  /** Another element type; F32 to I64 truncates. */
  record Cast(ElementType type) implements Op {}

  /** Convenience for attribute lists. */
  static List<Integer> ints(int... values) {
    return Arrays.stream(values).boxed().toList();
  }
}
