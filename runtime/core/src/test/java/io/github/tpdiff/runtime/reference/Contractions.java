package io.github.tpdiff.runtime.reference;

import io.github.tpdiff.runtime.graph.Op;
import java.util.List;
import java.util.Optional;

/** The operations that sum products: linear, convolution, attention, rotary. */
final class Contractions {
  private Contractions() {}

  static NumberArray linear(List<NumberArray> in, int[] shape) {
    NumberArray x = in.get(0);
    NumberArray w = in.get(1);
    int rows = w.dim(0);
    int columns = w.dim(1);
    int count = x.values().length / columns;
    var y = new double[count * rows];
    for (int n = 0; n < count; n++) {
      for (int o = 0; o < rows; o++) {
        double sum = in.size() > 2 ? in.get(2).values()[o] : 0;
        for (int i = 0; i < columns; i++) {
          sum += x.values()[n * columns + i] * w.values()[o * columns + i];
        }
        y[n * rows + o] = sum;
      }
    }
    return NumberArray.real(shape, y);
  }

  /** Three spatial axes; fewer are led by axes of extent 1. */
  static NumberArray conv(Op.Conv conv, List<NumberArray> in, int[] shape) {
    int[] stride = lift(conv.strides(), 1);
    int[] pad = lift(conv.padBefore(), 0);
    int[] xs = lift(in.get(0).shape());
    int[] ws = lift(in.get(1).shape());
    int[] ys = lift(shape);
    double[] x = in.get(0).values();
    double[] w = in.get(1).values();
    var y = new double[ys[0] * ys[1] * ys[2] * ys[3] * ys[4]];
    int at = 0;
    for (int b = 0; b < ys[0]; b++) {
      for (int o = 0; o < ys[1]; o++) {
        double bias = in.size() > 2 ? in.get(2).values()[o] : 0;
        for (int f = 0; f < ys[2]; f++) {
          for (int h = 0; h < ys[3]; h++) {
            for (int v = 0; v < ys[4]; v++) {
              int[] corner = {
                f * stride[0] - pad[0], h * stride[1] - pad[1], v * stride[2] - pad[2]
              };
              y[at++] = bias + window(x, b, xs, w, o, ws, corner);
            }
          }
        }
      }
    }
    return NumberArray.real(shape, y);
  }

  private static double window(
      double[] x, int b, int[] xs, double[] w, int o, int[] ws, int[] corner) {
    double sum = 0;
    for (int c = 0; c < xs[1]; c++) {
      for (int i = 0; i < ws[2]; i++) {
        int f = corner[0] + i;
        for (int j = 0; f >= 0 && f < xs[2] && j < ws[3]; j++) {
          int h = corner[1] + j;
          for (int k = 0; h >= 0 && h < xs[3] && k < ws[4]; k++) {
            int v = corner[2] + k;
            if (v >= 0 && v < xs[4]) {
              sum +=
                  x[(((b * xs[1] + c) * xs[2] + f) * xs[3] + h) * xs[4] + v]
                      * w[(((o * ws[1] + c) * ws[2] + i) * ws[3] + j) * ws[4] + k];
            }
          }
        }
      }
    }
    return sum;
  }

  private static int[] lift(int[] shape) {
    int[] lifted = {shape[0], shape[1], 1, 1, 1};
    int spatial = shape.length - 2;
    System.arraycopy(shape, 2, lifted, 5 - spatial, spatial);
    return lifted;
  }

  private static int[] lift(List<Integer> spatial, int missing) {
    int[] lifted = {missing, missing, missing};
    for (int i = 0; i < spatial.size(); i++) {
      lifted[3 - spatial.size() + i] = spatial.get(i);
    }
    return lifted;
  }

  static NumberArray attention(Op.Attention attention, List<NumberArray> in, int[] shape) {
    NumberArray v = in.get(2);
    int heads = attention.heads();
    int d = in.get(0).dim(2) / heads;
    int dv = v.dim(2) / heads;
    int keys = v.dim(1);
    Optional<NumberArray> bias = in.size() > 3 ? Optional.of(in.get(3)) : Optional.empty();
    var y = new double[shape[0] * shape[1] * shape[2]];
    var p = new double[keys];
    for (int b = 0; b < shape[0]; b++) {
      for (int head = 0; head < heads; head++) {
        for (int n = 0; n < shape[1]; n++) {
          for (int m = 0; m < keys; m++) {
            double score = attention.scale() * dot(in, b, n, m, head * d, d);
            int[] index = {b, head, n, m};
            p[m] = score + bias.map(a -> a.broadcastAt(index)).orElse(0.0);
          }
          softmax(p);
          int to = (b * shape[1] + n) * shape[2] + head * dv;
          for (int m = 0; m < keys; m++) {
            int from = (b * keys + m) * v.dim(2) + head * dv;
            for (int i = 0; i < dv; i++) {
              y[to + i] += p[m] * v.values()[from + i];
            }
          }
        }
      }
    }
    return NumberArray.real(shape, y);
  }

  private static double dot(List<NumberArray> in, int b, int n, int m, int start, int d) {
    NumberArray q = in.get(0);
    NumberArray k = in.get(1);
    int iq = (b * q.dim(1) + n) * q.dim(2) + start;
    int ik = (b * k.dim(1) + m) * k.dim(2) + start;
    double sum = 0;
    for (int i = 0; i < d; i++) {
      sum += q.values()[iq + i] * k.values()[ik + i];
    }
    return sum;
  }

  private static void softmax(double[] p) {
    double max = Double.NEGATIVE_INFINITY;
    for (double score : p) {
      max = Math.max(max, score);
    }
    double sum = 0;
    for (int m = 0; m < p.length; m++) {
      p[m] = Math.exp(p[m] - max);
      sum += p[m];
    }
    for (int m = 0; m < p.length; m++) {
      p[m] /= sum;
    }
  }

  static NumberArray rotary(Op.Rotary rotary, List<NumberArray> in, int[] shape) {
    NumberArray x = in.get(0);
    NumberArray cos = in.get(1);
    NumberArray sin = in.get(2);
    int d = shape[2] / rotary.heads();
    return NumberArray.fill(
        x.type(),
        shape,
        i -> {
          int pair = i[2] % d / 2;
          double c = cos.at(i[1], pair);
          double s = sin.at(i[1], pair);
          boolean even = i[2] % 2 == 0;
          double other = x.at(i[0], i[1], even ? i[2] + 1 : i[2] - 1);
          double own = x.at(i);
          return even ? own * c - other * s : own * c + other * s;
        });
  }
}
