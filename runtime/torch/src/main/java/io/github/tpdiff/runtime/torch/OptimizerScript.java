package io.github.tpdiff.runtime.torch;

import io.github.tpdiff.runtime.optim.DynamicCode;

/**
 * The arithmetic of optimizers in TorchScript, in place on the tensors that it is given.
 *
 * <p>Each method takes the numbers of a step first, [count] in fp32 on the host, then the tensors
 * of one weight after the other. Every operation rounds by itself, in the order of the host's
 * optimizers, and sums are taken in fp64, where their order hardly shows: both come to the same
 * values but for last bits.
 */
final class OptimizerScript {
  /** Numbers: share of the summand. Tensors: sum, summand. */
  static final String ADD = "add";

  /** Numbers: factor. Tensors: one. */
  static final String SCALE = "scale";

  /** Numbers: factor. Tensors: one. Gives the products, which share nothing with each other. */
  static final String SCALED = "scaled";

  /** Tensors: one. Gives the sum of all squares, in fp64. */
  static final String SQUARES = "squares";

  /** Tensors: one. Gives whether each is finite, as 1 or 0. */
  static final String FINITE = "finite";

  /** Tensors: two, which are exchanged. */
  static final String EXCHANGE = "exchange";

  /** Numbers: how far the mean goes. Tensors: mean, value. */
  static final String MEAN = "mean";

  /** Numbers: AdamW.Step. Tensors: value, gradient, mean, square. */
  static final String ADAMW = "adamw";

  /**
   * Numbers: AdamW.Step. Tensors, after the signed and the unsigned values of codes: value,
   * gradient, codes and scales of the mean, codes and scales of the square.
   */
  static final String ADAMW_8BIT = "adamw_8bit";

  /** Numbers: Adafactor.Step. Tensors: value, gradient, rows, columns. */
  static final String ADAFACTOR = "adafactor";

  /** Numbers: Adafactor.Step. Tensors: value, gradient, square. */
  static final String ADAFACTOR_VECTOR = "adafactor_vector";

  /** Numbers: Lion.Step. Tensors: value, gradient, mean. */
  static final String LION = "lion";

  /**
   * Numbers: ProdigyEstimate.Gather. Tensors: value, gradient, mean, square, sum, start. Gives the
   * product and the size of the sums, in fp64.
   */
  static final String PRODIGY_GATHER = "prodigy_gather";

  /** Numbers: ProdigyEstimate.Move. Tensors: value, mean, square. */
  static final String PRODIGY_MOVE = "prodigy_move";

  private static final String METHODS =
      """
        def add(self: __torch__.Program, v: List[Tensor]) -> List[Tensor]:
          a = float(v[0][0])
          for k in range((len(v) - 1) // 2):
            i = 2 * k
            _0 = torch.add_(v[i + 1], torch.mul(v[i + 2], a))
          return [v[0]]
        def scale(self: __torch__.Program, v: List[Tensor]) -> List[Tensor]:
          a = float(v[0][0])
          for k in range(len(v) - 1):
            _0 = torch.mul_(v[k + 1], a)
          return [v[0]]
        def scaled(self: __torch__.Program, v: List[Tensor]) -> List[Tensor]:
          a = float(v[0][0])
          r = annotate(List[Tensor], [])
          for k in range(len(v) - 1):
            _0 = torch.append(r, torch.mul(v[k + 1], a))
          return r
        def squares(self: __torch__.Program, v: List[Tensor]) -> List[Tensor]:
          s = torch.zeros([1], dtype=7, device=ops.prim.device(v[1]))
          for k in range(len(v) - 1):
            x = torch.to(v[k + 1], 7)
            s = torch.add(s, torch.sum(torch.mul(x, x)))
          return [s]
        def finite(self: __torch__.Program, v: List[Tensor]) -> List[Tensor]:
          r = annotate(List[Tensor], [])
          for k in range(len(v) - 1):
            _0 = torch.append(r, torch.to(torch.all(torch.isfinite(v[k + 1])), 6))
          return [torch.stack(r, 0)]
        def exchange(self: __torch__.Program, v: List[Tensor]) -> List[Tensor]:
          for k in range((len(v) - 1) // 2):
            i = 2 * k
            a = v[i + 1]
            b = v[i + 2]
            c = torch.clone(a)
            _0 = torch.copy_(a, b)
            _1 = torch.copy_(b, c)
          return [v[0]]
        def mean(self: __torch__.Program, v: List[Tensor]) -> List[Tensor]:
          w = float(v[0][0])
          for k in range((len(v) - 1) // 2):
            i = 2 * k
            m = v[i + 1]
            _0 = torch.sub_(m, torch.mul(torch.sub(m, v[i + 2]), w))
          return [v[0]]
        def adam_move(self: __torch__.Program, x: Tensor, p: Tensor, m: Tensor, s: Tensor) -> Tensor:
          d = torch.add(torch.div(torch.sqrt(s), float(x[2])), float(x[3]))
          u = torch.mul(torch.div(m, d), float(x[1]))
          return torch.add_(torch.mul_(p, float(x[0])), u)
        def adamw(self: __torch__.Program, v: List[Tensor]) -> List[Tensor]:
          x = v[0]
          w = float(x[5])
          for k in range((len(v) - 1) // 4):
            i = 4 * k
            g = v[i + 2]
            m = v[i + 3]
            s = v[i + 4]
            d = torch.sub(g, m)
            if w < 0.5:
              _0 = torch.add_(m, torch.mul(d, w))
            else:
              _0 = torch.copy_(m, torch.sub(g, torch.mul(d, 1. - w)))
            _1 = torch.add_(torch.mul_(s, float(x[6])), torch.mul(torch.mul(g, float(x[7])), g))
            _2 = (self).adam_move(x, v[i + 1], m, s, )
          return [v[0]]
        def decoded(self: __torch__.Program, c: Tensor, a: Tensor, values: Tensor) -> Tensor:
          n = torch.numel(c)
          r = torch.slice(torch.repeat_interleave(a, BLOCK), 0, 0, n)
          return torch.mul(torch.take(values, torch.to(torch.reshape(c, [n]), 4)), r)
        def encode(self: __torch__.Program, y: Tensor, c: Tensor, a: Tensor, values: Tensor) -> Tensor:
          n = torch.numel(y)
          b = torch.reshape(torch.constant_pad_nd(y, [0, torch.numel(a) * BLOCK - n]), [-1, BLOCK])
          _0 = torch.copy_(a, torch.amax(torch.abs(b), [1]))
          d = torch.unsqueeze(torch.masked_fill(a, torch.eq(a, 0), 1.), 1)
          z = torch.slice(torch.reshape(torch.div(b, d), [-1]), 0, 0, n)
          i = torch.bucketize(z, values)
          u = torch.clamp(i, 0, 255)
          l = torch.clamp(torch.sub(u, 1), 0, 255)
          low = torch.le(torch.sub(z, torch.take(values, l)), torch.sub(torch.take(values, u), z))
          return torch.copy_(c, torch.reshape(torch.where(low, l, u), torch.size(c)))
        def adamw_8bit(self: __torch__.Program, v: List[Tensor]) -> List[Tensor]:
          x = v[0]
          for k in range((len(v) - 3) // 6):
            i = 6 * k
            p = torch.reshape(v[i + 3], [-1])
            g = torch.reshape(v[i + 4], [-1])
            m = torch.mul((self).decoded(v[i + 5], v[i + 6], v[1], ), float(x[4]))
            m = torch.add(m, torch.mul(g, float(x[5])))
            s = torch.mul((self).decoded(v[i + 7], v[i + 8], v[2], ), float(x[6]))
            s = torch.add(s, torch.mul(torch.mul(g, float(x[7])), g))
            _0 = (self).adam_move(x, p, m, s, )
            _1 = (self).encode(m, v[i + 5], v[i + 6], v[1], )
            _2 = (self).encode(s, v[i + 7], v[i + 8], v[2], )
          return [v[0]]
        def adafactor_move(self: __torch__.Program, x: Tensor, p: Tensor, u: Tensor) -> Tensor:
          t = torch.to(u, 7)
          rms = torch.sqrt(torch.mean(torch.mul(t, t)))
          cut = torch.to(torch.clamp_min(torch.div(rms, float(x[5])), 1.), 6)
          step = torch.mul(torch.div(u, cut), float(x[1]))
          _0 = torch.add_(p, torch.mul(p, float(x[0])))
          return torch.sub_(p, step)
        def adafactor(self: __torch__.Program, v: List[Tensor]) -> List[Tensor]:
          x = v[0]
          for k in range((len(v) - 1) // 4):
            i = 4 * k
            g = v[i + 2]
            r = v[i + 3]
            c = v[i + 4]
            u = torch.add(torch.mul(g, g), float(x[4]))
            mr = torch.to(torch.mean(u, [-1], False, dtype=7), 6)
            mc = torch.to(torch.mean(u, [-2], False, dtype=7), 6)
            _0 = torch.add_(torch.mul_(r, float(x[2])), torch.mul(mr, float(x[3])))
            _1 = torch.add_(torch.mul_(c, float(x[2])), torch.mul(mc, float(x[3])))
            m = torch.to(torch.mean(r, [-1], True, dtype=7), 6)
            fr = torch.unsqueeze(torch.reciprocal(torch.sqrt(torch.div(r, m))), -1)
            fc = torch.unsqueeze(torch.reciprocal(torch.sqrt(c)), -2)
            _2 = (self).adafactor_move(x, v[i + 1], torch.mul(torch.mul(fr, fc), g), )
          return [v[0]]
        def adafactor_vector(self: __torch__.Program, v: List[Tensor]) -> List[Tensor]:
          x = v[0]
          for k in range((len(v) - 1) // 3):
            i = 3 * k
            g = v[i + 2]
            s = v[i + 3]
            u = torch.add(torch.mul(g, g), float(x[4]))
            _0 = torch.add_(torch.mul_(s, float(x[2])), torch.mul(u, float(x[3])))
            f = torch.reciprocal(torch.sqrt(s))
            _1 = (self).adafactor_move(x, v[i + 1], torch.mul(f, g), )
          return [v[0]]
        def lion(self: __torch__.Program, v: List[Tensor]) -> List[Tensor]:
          x = v[0]
          for k in range((len(v) - 1) // 3):
            i = 3 * k
            p = v[i + 1]
            g = v[i + 2]
            m = v[i + 3]
            u = torch.add(torch.mul(m, float(x[2])), torch.mul(g, float(x[3])))
            _0 = torch.add_(torch.mul_(p, float(x[0])), torch.mul(torch.sign(u), float(x[1])))
            _1 = torch.add_(torch.mul_(m, float(x[4])), torch.mul(g, float(x[5])))
          return [v[0]]
        def prodigy_gather(self: __torch__.Program, v: List[Tensor]) -> List[Tensor]:
          x = v[0]
          a = torch.zeros([1], dtype=7, device=ops.prim.device(v[1]))
          b = torch.zeros([1], dtype=7, device=ops.prim.device(v[1]))
          for k in range((len(v) - 1) // 6):
            i = 6 * k
            g = v[i + 2]
            m = v[i + 3]
            s = v[i + 4]
            t = v[i + 5]
            a = torch.add(a, torch.sum(torch.mul(g, torch.sub(v[i + 6], v[i + 1])), dtype=7))
            _0 = torch.add_(torch.mul_(m, float(x[0])), torch.mul(g, float(x[1])))
            _1 = torch.add_(torch.mul_(s, float(x[2])), torch.mul(torch.mul(g, float(x[3])), g))
            _2 = torch.add_(torch.mul_(t, float(x[4])), torch.mul(g, float(x[5])))
            b = torch.add(b, torch.sum(torch.abs(t), dtype=7))
          return [torch.cat([a, b], 0)]
        def prodigy_move(self: __torch__.Program, v: List[Tensor]) -> List[Tensor]:
          x = v[0]
          for k in range((len(v) - 1) // 3):
            i = 3 * k
            p = v[i + 1]
            d = torch.add(torch.sqrt(v[i + 3]), float(x[0]))
            _0 = torch.add_(p, torch.mul(p, float(x[1])))
            _1 = torch.add_(p, torch.mul(torch.div(v[i + 2], d), float(x[2])))
          return [v[0]]
      """;

  private OptimizerScript() {}

  /** The class. */
  static String source() {
    return TorchScriptWriter.HEADER + METHODS.replace("BLOCK", Integer.toString(DynamicCode.BLOCK));
  }
}
