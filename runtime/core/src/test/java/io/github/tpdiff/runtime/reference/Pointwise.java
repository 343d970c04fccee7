package io.github.tpdiff.runtime.reference;

import io.github.tpdiff.runtime.graph.ElementType;
import io.github.tpdiff.runtime.graph.Op;
import java.util.List;
import java.util.function.DoubleUnaryOperator;

/** Elementwise operations and normalisations. */
final class Pointwise {
  private Pointwise() {}

  static NumberArray map(NumberArray x, DoubleUnaryOperator f) {
    var y = new double[x.values().length];
    for (int i = 0; i < y.length; i++) {
      y[i] = f.applyAsDouble(x.values()[i]);
    }
    return new NumberArray(x.type(), x.shape(), y);
  }

  static NumberArray binary(Op.BinaryKind kind, List<NumberArray> in, int[] shape) {
    NumberArray a = in.get(0);
    NumberArray b = in.get(1);
    return NumberArray.fill(
        a.type(),
        shape,
        i -> {
          double l = a.broadcastAt(i);
          double r = b.broadcastAt(i);
          return switch (kind) {
            case ADD -> l + r;
            case SUB -> l - r;
            case MUL -> l * r;
            case DIV -> l / r;
          };
        });
  }

  /** In 64-bit arithmetic that is cut to 32 unsigned bits after each step. */
  static NumberArray dropout(double share, List<NumberArray> in) {
    NumberArray x = in.get(0);
    long seed = (long) in.get(1).values()[0];
    if (seed < 0) {
      return x;
    }
    long key = hash(hash(seed) ^ (long) in.get(2).values()[0]);
    int columns = x.dim(-1);
    var y = new double[x.values().length];
    for (int n = 0; n < y.length; n++) {
      long row = hash(key ^ (n / columns));
      long column = hash((key ^ 0xffffffffL) ^ (n % columns));
      long bits = mixed(row ^ column);
      long signed = bits < 0x80000000L ? bits : bits - 0x100000000L;
      boolean stays = signed + 0x1p31 >= Math.rint(share * 0x1p32);
      y[n] = stays ? x.values()[n] / (1 - share) : 0 * x.values()[n];
    }
    return NumberArray.real(x.shape(), y);
  }

  private static long mixed(long h) {
    long once = ((h ^ (h >> 16)) * 0x7feb352dL) & 0xffffffffL;
    return ((once ^ (once >> 15)) * 0x846ca68bL) & 0xffffffffL;
  }

  private static long hash(long h) {
    long mixed = mixed(h);
    return mixed ^ (mixed >> 16);
  }

  static DoubleUnaryOperator function(Op.UnaryKind kind) {
    return switch (kind) {
      case GELU_TANH ->
          x -> 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
      case GELU_ERF -> x -> 0.5 * x * (1 + erf(x / Math.sqrt(2)));
      case QUICK_GELU -> x -> x * sigmoid(1.702 * x);
      case SILU -> x -> x * sigmoid(x);
      case SIGMOID -> Pointwise::sigmoid;
      case TANH -> Math::tanh;
      case EXP -> Math::exp;
      case SQRT -> Math::sqrt;
      case SIN -> Math::sin;
      case COS -> Math::cos;
    };
  }

  private static double sigmoid(double x) {
    return 1 / (1 + Math.exp(-x));
  }

  /** The Maclaurin series; beyond 6 erf is 1 to double precision. */
  static double erf(double x) {
    if (Math.abs(x) > 6) {
      return Math.signum(x);
    }
    // 2/√π · e^(−x²) · Σ 2ⁿ x^(2n+1) / (2n+1)!!, all terms of one sign
    double term = x;
    double sum = x;
    for (int n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
      term *= 2 * x * x / (2 * n + 1);
      sum += term;
    }
    return 2 / Math.sqrt(Math.PI) * Math.exp(-x * x) * sum;
  }

  static NumberArray cast(NumberArray x, ElementType type) {
    DoubleUnaryOperator f =
        type == ElementType.I64 ? v -> (double) (long) v : v -> (double) (float) v;
    return new NumberArray(type, x.shape(), map(x, f).values());
  }

  static NumberArray layerNorm(Op.LayerNorm norm, List<NumberArray> in) {
    NumberArray x = in.get(0);
    int width = x.dim(-1);
    var y = new double[x.values().length];
    for (int start = 0; start < y.length; start += width) {
      double mean = 0;
      for (int i = 0; i < width; i++) {
        mean += x.values()[start + i] / width;
      }
      double variance = 0;
      for (int i = 0; i < width; i++) {
        double deviation = x.values()[start + i] - mean;
        variance += deviation * deviation / width;
      }
      for (int i = 0; i < width; i++) {
        double z = (x.values()[start + i] - mean) / Math.sqrt(variance + norm.eps());
        y[start + i] = in.size() > 1 ? z * in.get(1).values()[i] + in.get(2).values()[i] : z;
      }
    }
    return NumberArray.real(x.shape(), y);
  }

  static NumberArray rmsNorm(Op.RmsNorm norm, List<NumberArray> in) {
    NumberArray x = in.get(0);
    int width = x.dim(-1);
    var y = new double[x.values().length];
    for (int start = 0; start < y.length; start += width) {
      double meanSquare = 0;
      for (int i = 0; i < width; i++) {
        meanSquare += x.values()[start + i] * x.values()[start + i] / width;
      }
      for (int i = 0; i < width; i++) {
        y[start + i] =
            x.values()[start + i] / Math.sqrt(meanSquare + norm.eps()) * in.get(1).values()[i];
      }
    }
    return NumberArray.real(x.shape(), y);
  }

  static NumberArray groupNorm(Op.GroupNorm norm, List<NumberArray> in) {
    NumberArray x = in.get(0);
    int samples = x.dim(0);
    int channels = x.dim(1);
    int positions = x.values().length / (samples * channels);
    int size = channels / norm.groups() * positions;
    var y = new double[x.values().length];
    for (int start = 0; start < y.length; start += size) {
      double mean = 0;
      for (int i = 0; i < size; i++) {
        mean += x.values()[start + i] / size;
      }
      double variance = 0;
      for (int i = 0; i < size; i++) {
        double deviation = x.values()[start + i] - mean;
        variance += deviation * deviation / size;
      }
      for (int i = start; i < start + size; i++) {
        int channel = i / positions % channels;
        double z = (x.values()[i] - mean) / Math.sqrt(variance + norm.eps());
        y[i] = z * in.get(1).values()[channel] + in.get(2).values()[channel];
      }
    }
    return NumberArray.real(x.shape(), y);
  }

  static NumberArray l2Normalize(Op.L2Normalize norm, NumberArray x) {
    int inner = 1;
    for (int axis = norm.axis() + 1; axis < x.shape().length; axis++) {
      inner *= x.dim(axis);
    }
    int extent = x.dim(norm.axis());
    var y = new double[x.values().length];
    for (int i = 0; i < y.length; i++) {
      int first = i / (inner * extent) * (inner * extent) + i % inner;
      double squares = 0;
      for (int k = 0; k < extent; k++) {
        double v = x.values()[first + k * inner];
        squares += v * v;
      }
      y[i] = x.values()[i] / Math.max(Math.sqrt(squares), 1e-12);
    }
    return NumberArray.real(x.shape(), y);
  }

  static NumberArray l2Norm(Op.L2Norm norm, NumberArray x, int[] shape) {
    return NumberArray.fill(
        x.type(),
        shape,
        place -> {
          int[] at = place.clone();
          double squares = 0;
          for (int k = 0; k < x.dim(norm.axis()); k++) {
            at[norm.axis()] = k;
            squares += Math.pow(x.broadcastAt(at), 2);
          }
          return Math.sqrt(squares);
        });
  }
}
