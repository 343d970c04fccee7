package io.github.tpdiff.runtime.reference;

import io.github.tpdiff.runtime.graph.ElementType;
import io.github.tpdiff.runtime.graph.Op;
import java.util.Arrays;
import java.util.List;

/** Operations that move elements without changing them. */
final class Layouts {
  private Layouts() {}

  static NumberArray transpose(Op.Transpose transpose, NumberArray x, int[] shape) {
    var source = new int[shape.length];
    return NumberArray.fill(
        x.type(),
        shape,
        index -> {
          for (int i = 0; i < index.length; i++) {
            source[transpose.permutation().get(i)] = index[i];
          }
          return x.at(source);
        });
  }

  static NumberArray concat(Op.Concat concat, List<NumberArray> parts, int[] shape) {
    return NumberArray.fill(
        parts.get(0).type(),
        shape,
        index -> {
          int[] source = index.clone();
          for (NumberArray part : parts) {
            if (source[concat.axis()] < part.dim(concat.axis())) {
              return part.at(source);
            }
            source[concat.axis()] -= part.dim(concat.axis());
          }
          throw new IllegalStateException("concat: index beyond the last part");
        });
  }

  static NumberArray slice(int axis, int from, NumberArray x, int[] shape) {
    return NumberArray.fill(
        x.type(),
        shape,
        index -> {
          int[] source = index.clone();
          source[axis] += from;
          return x.at(source);
        });
  }

  static NumberArray pad(Op.Pad pad, NumberArray x, int[] shape) {
    return NumberArray.fill(
        x.type(),
        shape,
        index -> {
          int[] source = index.clone();
          for (int i = 0; i < index.length; i++) {
            source[i] -= pad.before().get(i);
            if (source[i] < 0 || source[i] >= x.dim(i)) {
              return 0;
            }
          }
          return x.at(source);
        });
  }

  static NumberArray repeat(Op.Repeat repeat, NumberArray x, int[] shape) {
    return NumberArray.fill(
        x.type(),
        shape,
        index -> {
          int[] source = index.clone();
          for (int i = 0; i < index.length; i++) {
            source[i] /= repeat.factors().get(i);
          }
          return x.at(source);
        });
  }

  static NumberArray gather(NumberArray table, NumberArray ids, int[] shape) {
    int row = table.values().length / table.dim(0);
    var y = new double[ids.values().length * row];
    for (int i = 0; i < ids.values().length; i++) {
      int from = (int) ids.values()[i];
      System.arraycopy(table.values(), from * row, y, i * row, row);
    }
    return new NumberArray(table.type(), shape, y);
  }

  static NumberArray argMax(NumberArray x, int[] shape) {
    int last = shape.length;
    return NumberArray.fill(
        ElementType.I64,
        shape,
        index -> {
          int[] source = Arrays.copyOf(index, last + 1);
          int best = 0;
          double largest = Double.NEGATIVE_INFINITY;
          for (int i = 0; i < x.dim(last); i++) {
            source[last] = i;
            if (x.at(source) > largest) {
              largest = x.at(source);
              best = i;
            }
          }
          return best;
        });
  }
}
