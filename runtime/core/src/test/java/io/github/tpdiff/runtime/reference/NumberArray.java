package io.github.tpdiff.runtime.reference;

import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.graph.ElementType;
import java.nio.LongBuffer;
import java.util.function.ToDoubleFunction;

/** A row-major array of doubles; indices are held as doubles too (exact below 2^53). */
final class NumberArray {
  private final ElementType type;
  private final int[] shape;
  private final double[] values;

  NumberArray(ElementType type, int[] shape, double[] values) {
    if (count(shape) != values.length) {
      throw new IllegalArgumentException("array: shape and values do not fit");
    }
    this.type = type;
    this.shape = shape;
    this.values = values;
  }

  ElementType type() {
    return type;
  }

  int[] shape() {
    return shape;
  }

  double[] values() {
    return values;
  }

  static NumberArray real(int[] shape, double[] values) {
    return new NumberArray(ElementType.F32, shape, values);
  }

  /** The array whose element at every multi-index is {@code element} of it. */
  static NumberArray fill(ElementType type, int[] shape, ToDoubleFunction<int[]> element) {
    var values = new double[count(shape)];
    var index = new int[shape.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = element.applyAsDouble(index);
      for (int axis = shape.length - 1; axis >= 0 && ++index[axis] == shape[axis]; axis--) {
        index[axis] = 0;
      }
    }
    return new NumberArray(type, shape, values);
  }

  static NumberArray of(Tensor tensor) {
    var values = new double[Math.toIntExact(tensor.elementCount())];
    if (tensor.type() == ElementType.I64) {
      LongBuffer longs = tensor.longs();
      for (int i = 0; i < values.length; i++) {
        values[i] = longs.get(i);
      }
    } else {
      copy(tensor.toFloatArray(), values);
    }
    return new NumberArray(tensor.type(), ints(tensor.shape()), values);
  }

  static NumberArray of(float[] floats, long[] shape) {
    var values = new double[floats.length];
    copy(floats, values);
    return real(ints(shape), values);
  }

  private static void copy(float[] from, double[] to) {
    for (int i = 0; i < to.length; i++) {
      to[i] = from[i];
    }
  }

  Tensor toTensor() {
    var extents = new long[shape.length];
    for (int i = 0; i < extents.length; i++) {
      extents[i] = shape[i];
    }
    if (type == ElementType.I64) {
      var longs = new long[values.length];
      for (int i = 0; i < longs.length; i++) {
        longs[i] = (long) values[i];
      }
      return Tensor.ofLongs(longs, extents);
    }
    var floats = new float[values.length];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = (float) values[i];
    }
    return Tensor.ofFloats(floats, extents);
  }

  int dim(int axis) {
    return shape[axis < 0 ? axis + shape.length : axis];
  }

  double at(int... index) {
    int offset = 0;
    for (int axis = 0; axis < shape.length; axis++) {
      offset = offset * shape[axis] + index[axis];
    }
    return values[offset];
  }

  /** The element that broadcasting puts at an index of the result: right-aligned, 1 stretches. */
  double broadcastAt(int[] index) {
    int offset = 0;
    for (int axis = 0; axis < shape.length; axis++) {
      int i = index[index.length - shape.length + axis];
      offset = offset * shape[axis] + (shape[axis] == 1 ? 0 : i);
    }
    return values[offset];
  }

  static int[] ints(long[] extents) {
    var result = new int[extents.length];
    for (int i = 0; i < result.length; i++) {
      result[i] = Math.toIntExact(extents[i]);
    }
    return result;
  }

  private static int count(int[] shape) {
    int product = 1;
    for (int extent : shape) {
      product = Math.multiplyExact(product, extent);
    }
    return product;
  }
}
